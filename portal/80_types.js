// @ts-check
// What events there are, and the check of a webhook that somebody has in hand.

route(/^\/types$/, async (main) => {
  const list = part((types) =>
    types.length === 0
      ? emptyCard('No event types', 'None is described. Events are sent all the same.')
      : h(
          'ul.rows',
          types.map((t) =>
            h(
              'li',
              h(
                'details',
                { 'data-key': `type ${t.name}` },
                h(
                  'summary.row.r-message',
                  h('div.main', h('div.title', t.name), h('div.small.soft', t.description)),
                  h('div.end', t.deprecated && pill('warn', 'Deprecated'), t.groupName && h('span.tag', t.groupName)),
                ),
                h(
                  'div.inside',
                  t.schemas
                    ? Object.entries(t.schemas).map(([version, schema]) => [
                        h('h3', `Schema, version ${version}`),
                        codeBlock(JSON.stringify(schema, null, 2)),
                      ])
                    : h('p.soft', 'It has no schema.'),
                ),
              ),
            ),
          ),
        ),
  );
  fill(main, h('div.head', h('div', h('h1', 'Event types'), h('div.soft', 'What an endpoint can ask for.'))), h('section.card', list.node));
  return { title: 'Event types', refresh: async () => list.set((await eventTypes()).filter((t) => !t.archived)) };
});

route(/^\/verify$/, async (main) => {
  const all = await endpoints();
  const headers = h('textarea', {
    rows: 5,
    spellcheck: false,
    placeholder: 'webhook-id: msg_…\nwebhook-timestamp: 1614265330\nwebhook-signature: v1,…',
  });
  const body = h('textarea', { rows: 8, spellcheck: false });
  const newline = h('input', { type: 'checkbox' });
  const which = h(
    'select',
    h('option', { value: '' }, 'any of them'),
    all.map((e) => h('option', { value: e.id }, e.description || e.url)),
  );
  const tolerance = h('input', { type: 'number', min: 0, max: 315360000, value: 300 });
  const out = h('div', { 'aria-live': 'polite' });
  const check = async (event) => {
    event.preventDefault();
    const given = {};
    for (const line of headers.value.split('\n').filter((l) => l.trim())) {
      const colon = line.indexOf(':');
      if (colon > 0) given[line.slice(0, colon).trim()] = line.slice(colon + 1).trim();
    }
    try {
      fill(
        out,
        verdict(
          await json('POST', `/sandboxes/${enc(me?.app)}/webhooks/verify`, {
            headers: given,
            body: body.value + (newline.checked ? '\n' : ''),
            tolerance_seconds: Number(tolerance.value || 300),
            ...(which.value && { endpoint: which.value }),
          }),
        ),
      );
    } catch (problem) {
      fill(out, h('div.note.bad', messageOf(problem)));
    }
  };
  fill(
    main,
    h(
      'div.head',
      h(
        'div',
        h('h1', 'Verify a signature'),
        h('div.soft', 'Paste a webhook as your server got it: is it one of ours, and if its signature does not hold, why not?'),
      ),
    ),
    h(
      'form.card.pad',
      { onsubmit: check, novalidate: true },
      field('Headers', headers, 'One a line, as name: value. Those of the signature are enough.'),
      field('Body', body, 'The very bytes, before anything parsed them.'),
      h('label.check', newline, 'The body ends with a newline'),
      h('div.two.wide', field('Endpoint', which), field('Seconds a timestamp may be off', tolerance)),
      h('button.primary', { type: 'submit' }, 'Check'),
    ),
    out,
  );
  return { title: 'Verify a signature' };
});
