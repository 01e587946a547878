// @ts-check
// An attempt as people need it: what was sent, what came back, how long each part took, and whether the signature holds.

/** @param {{ withEndpoint?: boolean }} how */
function attemptRows(all, how) {
  return h(
    'ul.rows',
    all.map((a) =>
      h(
        'li',
        link(
          `/message/${enc(a.msgId)}?${enc(a.id)}`,
          { class: 'row r-attempt', 'data-key': a.id },
          attemptPill(a),
          h(
            'div.main',
            h('div.title', a.eventType ?? a.msgId),
            h('div.small.soft', outcomeText(a), how.withEndpoint && [' · ', a.url || a.endpointId]),
          ),
          h('div.end.small.soft.num', when(a.timestamp), a.responseDurationMs > 0 && ` · ${a.responseDurationMs} ms`, ` · no. ${a.number}`),
        ),
      ),
    ),
  );
}

const isSignature = (name) => /signature|webhook-(id|timestamp)|svix-(id|timestamp)|hmac/i.test(name);

function headersTable(list) {
  if (!Array.isArray(list) || list.length === 0) return h('p.soft', 'None');
  return h(
    'table.headers',
    h(
      'tbody',
      list.map(([name, value]) => h('tr', { class: isSignature(name) ? 'signature' : '' }, h('th', { scope: 'row' }, name), h('td', value))),
    ),
  );
}

/** JSON in lines, each name, number and string as it stands; anything else as it is. */
function pretty(text) {
  try {
    JSON.parse(text);
  } catch {
    return text;
  }
  const out = [];
  let depth = 0,
    last = '';
  const line = () => out.push(`\n${'  '.repeat(depth)}`);
  for (const [token] of text.matchAll(/"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/g)) {
    const closes = token === '}' || token === ']',
      opened = last === '{' || last === '[';
    if (closes) --depth;
    if ((opened && !closes) || last === ',' || (closes && !opened)) line();
    out.push(token === ':' ? ': ' : token);
    if (token === '{' || token === '[') ++depth;
    last = token;
  }
  return out.join('');
}

function answerOf(a) {
  if (a.error) return h('div.note.bad', h('strong', `No answer: ${String(a.error.kind).replaceAll('_', ' ')}`), a.error.detail);
  if (!a.requestHeaders) return h('div.note', a.response || 'Nothing was sent');
  const body = a.responseErased ? null : a.responseBody;
  return [
    h('div', h('b', `HTTP ${a.responseStatusCode}`), h('span.soft.small', a.responseTruncated ? ' · the body was cut' : '')),
    h('h3', 'Body'),
    a.responseErased
      ? h('p.soft', 'It was erased.')
      : body?.base64 !== undefined
        ? h('p.soft', `Not text: ${bytesText(atob(body.base64).length)}`)
        : body?.text
          ? codeBlock(pretty(body.text), body.text)
          : h('p.soft', 'Empty'),
    h('h3', 'Headers'),
    headersTable(a.responseHeaders),
  ];
}

const phases = [
  ['queueUs', 'waited'],
  ['dnsUs', 'name'],
  ['connectUs', 'connected'],
  ['tlsUs', 'TLS'],
  ['firstByteUs', 'first byte'],
  ['totalUs', 'whole answer'],
];

function timingOf(a) {
  const t = a.timing;
  if (!t || !t.totalUs) return null;
  // The first four are lengths; the first byte and the end are instants, and what is left of them is the receiver's.
  const before = t.dnsUs + t.connectUs + t.tlsUs;
  const parts = [
    t.queueUs,
    t.dnsUs,
    t.connectUs,
    t.tlsUs,
    Math.max(0, t.firstByteUs - before),
    Math.max(0, t.totalUs - Math.max(t.firstByteUs, before)),
  ];
  const bar = h(
    'div.timing',
    { 'aria-hidden': 'true' },
    parts.map((_, i) => h(`i.k${i}`)),
  );
  parts.forEach((us, i) => {
    /** @type {HTMLElement} */ (bar.children[i]).style.flexGrow = String(us);
  });
  return [
    h('h3', 'Time'),
    bar,
    h(
      'div.legend',
      phases.map(([name, text], i) => t[name] > 0 && h('span', h(`i.k${i}`), `${text} ${micros(t[name])}`)),
      a.connectionReused && h('span', 'on a connection that was open'),
      a.tlsVersion && h('span', a.tlsVersion),
      a.peer && h('span', a.peer),
    ),
  ];
}

/**
 * The signature as the receiver should check it: of these headers and the very bytes that were sent, at the moment of sending.
 * @param {string | null} sent null: other bytes than those of the message were sent
 */
function signatureOf(a, sent) {
  const out = h('div', { 'aria-live': 'polite' });
  const names = (a.requestHeaders ?? []).filter(([name]) => isSignature(name));
  if (names.length === 0) return [h('h3', 'Signature'), h('p.soft', 'None was sent.')];
  const check = async () => {
    try {
      const said = await json('POST', `/sandboxes/${enc(me?.app)}/webhooks/verify`, {
        headers: Object.fromEntries(a.requestHeaders),
        body: sent,
        endpoint: a.endpointId,
        now: a.signedTimestamp,
        tolerance_seconds: 300,
      });
      fill(out, verdict(said));
    } catch (problem) {
      fill(out, h('div.note.bad', messageOf(problem)));
    }
  };
  return [
    h('h3', 'Signature'),
    h(
      'p.small.soft',
      'Signed were ',
      h('code', 'webhook-id'),
      ', ',
      h('code', 'webhook-timestamp'),
      ' and the body, joined by dots',
      a.fault ? [', but for what was made wrong on purpose: ', h('b', a.fault.replaceAll('_', ' '))] : null,
      '.',
    ),
    sent !== null && h('button', { type: 'button', onclick: check }, 'Check the signature'),
    out,
  ];
}

function verdict(said) {
  return h(
    'div.note',
    { class: said.valid ? 'good' : 'bad' },
    h('strong', said.valid ? 'The signature holds' : `The signature does not hold: ${String(said.reason).replaceAll('_', ' ')}`),
    said.valid ? null : said.detail,
    (said.also ?? []).map((one) => h('div', one)),
    h(
      'div.small.soft',
      [said.scheme, said.profile, said.timestamp && `signed at ${new Date(said.timestamp * 1000).toISOString()}`].filter(Boolean).join(' · '),
    ),
  );
}

/** One attempt that opens. @param {{ open?: boolean, sent: string | null, isJson: boolean }} how */
function attemptDetails(a, how) {
  const curl = async () => {
    try {
      await copy(await askServer('GET', app(`/msg/${enc(a.msgId)}/attempt/${enc(a.id)}/curl`)));
    } catch (problem) {
      toast(messageOf(problem), true);
    }
  };
  const changed = a.batchId || a.transformed;
  return h(
    'details',
    { 'data-key': `attempt ${a.id}`, open: how.open },
    h(
      'summary.row.r-attempt',
      attemptPill(a),
      h(
        'div.main',
        h(
          'div.title',
          `Attempt ${a.number}`,
          a.trigger === 'manual' && h('span.soft', ' · by hand'),
          a.probe && h('span.soft', ' · probe'),
          a.fault && h('span.soft', ` · ${a.fault.replaceAll('_', ' ')}, on purpose`),
        ),
        h('div.small.soft', outcomeText(a)),
      ),
      h('div.end.small.soft.num', when(a.timestamp), a.responseDurationMs > 0 && ` · ${a.responseDurationMs} ms`),
    ),
    h(
      'div.inside',
      h(
        'div.two',
        h('div', h('h3', 'What your server answered'), answerOf(a), timingOf(a)),
        h(
          'div',
          h('h3', 'What was sent'),
          h('div.mono', `${a.transformed?.method ?? 'POST'} ${a.transformed?.url ?? a.url}`),
          h(
            'div.small.soft',
            a.bodyBytes !== undefined &&
              `${bytesText(a.bodyBytes)}${changed ? ', not the payload above: ' : ''}${a.batchId ? `in the batch ${a.batchId}` : a.transformed ? 'made by the transformation' : ''}`,
          ),
          h('h3', 'Headers'),
          headersTable(a.requestHeaders),
          signatureOf(a, changed ? null : how.sent),
        ),
      ),
      h('div.actions', h('button', { type: 'button', onclick: curl }, 'Copy as curl'), h('span.small.soft.mono', a.id)),
    ),
  );
}
