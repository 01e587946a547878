// A line a test, skipped ones with their reason, each failure whole, and last "N passed, N failed".
export default async function* reporter(source) {
  let passed = 0, failed = 0, skipped = 0;
  for await (const { type, data } of source) {
    if (type === 'test:stderr' || type === 'test:stdout') yield data.message;
    if (type !== 'test:pass' && type !== 'test:fail') continue;
    const suite = data.details?.type === 'suite';
    const name = '  '.repeat(data.nesting) + data.name;
    const took = `${Math.round(data.details?.duration_ms ?? 0)} ms`;
    if (data.skip !== undefined && data.skip !== false) {
      ++skipped;
      yield `SKIPPED ${name}: ${data.skip === true ? 'no reason given' : data.skip}\n`;
    } else if (type === 'test:pass') {
      if (!suite) ++passed;
      yield suite ? `        ${name}\n` : `ok      ${name} (${took})\n`;
    } else {
      // A suite fails with its tests; it counts itself only when a hook of its own failed.
      const cause = data.details?.error;
      const ofTests = suite && cause?.failureType === 'subtestsFailed';
      if (!ofTests) ++failed;
      yield `FAILED  ${name} (${took})\n`;
      if (!ofTests) yield `${(cause?.cause?.stack ?? cause?.stack ?? String(cause)).replace(/^/gm, '          ')}\n${detail(cause?.cause)}`;
    }
  }
  if (skipped > 0) yield `${skipped} skipped\n`;
  yield `${passed} passed, ${failed} failed\n`;
}

function detail(error) {
  if (error?.body === undefined) return '';
  return `          HTTP ${error.code}: ${JSON.stringify(error.body)}\n`;
}
