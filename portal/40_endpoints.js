// @ts-check
// All endpoints, and making one.

const looked = 50; // so many are asked how they are

route(/^\/endpoints$/, async (main) => {
  const how = {};
  let round = 0;
  const list = part(({ all, how }) => [
    all.length === 0
      ? emptyCard('No endpoint yet', 'An endpoint is the URL of your server that webhooks are sent to.')
      : h(
          'ul.rows',
          all.map((e) => endpointRow(e, how[e.id])),
        ),
  ]);
  const failures = part((found) =>
    found.length === 0 ? emptyCard('No failures', 'Nothing that was sent lately has failed.') : attemptRows(found, { withEndpoint: true }),
  );
  fill(
    main,
    h(
      'div.head',
      h('div', h('h1', 'Endpoints')),
      may('ManageEndpoint') && h('div.actions', h('button.primary', { type: 'button', onclick: () => editEndpoint(null) }, 'Add endpoint')),
    ),
    h('section.card', { 'aria-label': 'Endpoints' }, list.node),
    h(
      'section.card',
      { 'aria-label': 'Latest failures' },
      h('div.card-head', h('h2', 'Latest failures'), link('/activity', {}, 'All activity')),
      failures.node,
    ),
  );
  return {
    title: 'Endpoints',
    async refresh() {
      const all = await endpoints();
      // Many are asked a part at a time: a page that stands open all day must not be what keeps a server busy.
      const shown = all.slice(0, looked);
      const parts = Math.max(1, Math.ceil(shown.length / 10));
      const asked = shown.filter((e, i) => !how[e.id] || i % parts === round % parts);
      ++round;
      await Promise.all(
        asked.map(async (e) => {
          const [health, stats] = await Promise.all(
            [get(`/endpoint/${enc(e.id)}/health`), get(`/endpoint/${enc(e.id)}/stats`)].map((p) => p.catch(() => null)),
          );
          how[e.id] = { health, stats };
        }),
      );
      list.set({ all, how });
      failures.set(await latestFailures());
    },
  };
});

/** Two kinds of failure, which the search tells apart. */
async function latestFailures() {
  const pages = await Promise.all(
    ['retry', 'dead', 'failed'].map((outcome) => json('GET', `/sandboxes/${enc(me?.app)}/attempts${query({ outcome, limit: 8 })}`)),
  );
  return pages
    .flatMap((p) => p.data)
    .sort((a, b) => b.seq - a.seq)
    .slice(0, 8);
}

function endpointRow(e, how) {
  const s = how?.stats;
  const count = (n, text, some) => h('span', h('b', { class: some && n > 0 ? 'some' : '' }, n ?? '–'), text);
  return h(
    'li',
    link(
      `/endpoint/${enc(e.id)}`,
      { class: 'row r-endpoint', 'data-key': e.id },
      h('div.main', h('div.title', e.description || e.url), h('div.small.soft', e.description ? e.url : e.id)),
      healthPill(how?.health, e),
      h('div.counts', count(s?.success, 'delivered'), count(s ? s.pending + s.sending : null, 'waiting'), count(s?.fail, 'failed', true)),
    ),
  );
}

const splitList = (text) =>
  text
    .split(/[\s,]+/)
    .map((t) => t.trim())
    .filter(Boolean);

async function editEndpoint(before) {
  let types = [];
  try {
    types = (await eventTypes()).filter((t) => !t.archived);
  } catch {
    /* names can be typed */
  }
  const wanted = new Set(before?.filterTypes ?? []);
  const known = new Set(types.map((t) => t.name));
  const url = h('input', { type: 'url', required: true, value: before?.url ?? '', placeholder: 'https://example.com/webhooks', autofocus: true });
  const description = h('input', { value: before?.description ?? '', maxlength: 1024 });
  const boxes = types.map((t) => h('input', { type: 'checkbox', value: t.name, checked: wanted.has(t.name) }));
  const others = h('input', {
    value: [...wanted].filter((t) => !known.has(t)).join(', '),
    placeholder: types.length ? 'order.*' : 'order.paid, order.*',
  });
  const channels = h('input', { value: (before?.channels ?? []).join(', ') });
  const rate = h('input', { type: 'number', min: 1, value: before?.rateLimit ?? '' });
  ask(
    before ? 'Change endpoint' : 'Add endpoint',
    [
      field('URL', url),
      field('Description', description),
      types.length > 0 &&
        h(
          'fieldset',
          h('legend', 'Event types'),
          h(
            'div.choices',
            types.map((t, i) => h('label', boxes[i], ' ', t.name, t.description && h('small', t.description))),
          ),
        ),
      field(
        types.length ? 'Other event types, or patterns' : 'Event types, or patterns',
        others,
        'Separated by commas. * stands for one part of a name, ** for any. None at all: every event is sent.',
      ),
      h('div.two', field('Channels', channels, 'None: all'), field('Messages a second', rate, 'None: as they come')),
    ],
    before ? 'Save' : 'Add',
    async () => {
      const filterTypes = [...boxes.filter((b) => b.checked).map((b) => b.value), ...splitList(others.value)];
      const body = {
        url: url.value.trim(),
        description: description.value,
        filterTypes: filterTypes.length ? filterTypes : null,
        channels: splitList(channels.value).length ? splitList(channels.value) : null,
        rateLimit: rate.value ? Number(rate.value) : null,
      };
      const made = before ? await patch(`/endpoint/${enc(before.id)}`, body) : await post('/endpoint', body);
      toast(before ? 'Saved' : 'Endpoint added');
      before ? await again() : go(`/endpoint/${enc(made.id)}`);
    },
  );
}
