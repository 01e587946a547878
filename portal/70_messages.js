// @ts-check
// Messages, one message with all its attempts, and the activity of all endpoints.

/** A list that grows at its end; only its first page is asked for again. */
function growing(draw, page, key) {
  let older = [],
    next = null,
    first = { data: [], done: true };
  const list = part(({ data, done }) => [
    draw(data),
    !done &&
      h(
        'div.more',
        h('button', { type: 'button', 'data-key': 'more', onclick: () => more().catch((problem) => toast(messageOf(problem), true)) }, 'Show older'),
      ),
  ]);
  const set = () => {
    const there = new Set();
    list.set({
      data: [...first.data, ...older].filter((one) => !there.has(one[key]) && there.add(one[key])),
      done: older.length || next === false ? !next : first.done,
    });
  };
  async function more() {
    const found = await page(next || first.next);
    older.push(...found.data);
    next = found.done ? false : found.next;
    set();
  }
  return {
    node: list.node,
    clear() {
      older = [];
      next = null;
    },
    async refresh() {
      const found = await page(null);
      older = older.length ? [...first.data, ...older] : older; // what has left the first page meanwhile stays
      first = found;
      set();
    },
  };
}

/** How a message stands with all its endpoints: each state that there is, and how often where that is not once. */
function standing(m) {
  if (!m.at) return `${m.destinations?.length ?? 0} endpoints`;
  if (m.at.length === 0) return pill('', 'No endpoint');
  return [2, 1, 3, 4, 0]
    .filter((s) => m.at.includes(s))
    .map((s) => {
      const n = m.at.filter((x) => x === s).length;
      const one = statusPill(s);
      if (n > 1) one.append(` ×${n}`);
      return [one, ' '];
    });
}

const typeChoice = (onchange) => h('input', { list: 'types', placeholder: 'any', onchange, spellcheck: false, autocomplete: 'off' });

route(/^\/messages$/, async (main) => {
  const type = typeChoice(reload),
    tag = h('input', { onchange: reload, spellcheck: false });
  const all = await endpoints();
  const to = h(
    'select',
    { onchange: reload },
    h('option', { value: '' }, 'any'),
    all.map((e) => h('option', { value: e.id }, e.description || e.url)),
  );
  const state = h(
    'select',
    { onchange: reload },
    [
      ['', 'any'],
      ['2', 'Failed'],
      ['1', 'Will be tried again'],
      ['3', 'Sending'],
      ['0', 'Delivered'],
      ['4', 'Not sent'],
    ].map(([value, text]) => h('option', { value }, text)),
  );
  const list = growing(
    (data) =>
      data.length === 0
        ? emptyCard(
            'No messages',
            'None that fit were emitted. They come from the application that you get webhooks from; a test event makes one too.',
          )
        : h(
            'ul.rows',
            data.map((m) =>
              h(
                'li',
                link(
                  `/message/${enc(m.id)}`,
                  { class: 'row r-message', 'data-key': m.id },
                  h('div.main', h('div.title', m.eventType), h('div.small.soft.mono', m.eventId ? `${m.id} · ${m.eventId}` : m.id)),
                  h('div.end.small.soft', m.status !== undefined ? statusPill(m.status) : standing(m), ' ', when(m.timestamp)),
                ),
              ),
            ),
          ),
    async (iterator) =>
      withStanding(
        await get(
          `${to.value ? `/endpoint/${enc(to.value)}/msg` : '/msg'}${query({
            limit: 25,
            iterator,
            event_types: type.value.trim(),
            tag: tag.value.trim(),
            with_content: false,
            status: to.value ? state.value : '',
          })}`,
        ),
      ),
    'id',
  );
  const ended = new Map(); // message -> how it stands with its endpoints, once that will not change by itself
  async function withStanding(p) {
    await Promise.all(
      p.data.map(async (m) => {
        if (m.status !== undefined) return;
        m.at =
          ended.get(m.id) ??
          (await get(`/msg/${enc(m.id)}/endpoint?limit=250`).then(
            (w) => w.data.map((d) => d.status),
            () => null,
          ));
        if (m.at?.every((s) => s === 0)) ended.set(m.id, m.at);
      }),
    );
    return { data: p.data, done: p.done, next: p.iterator };
  }
  function reload() {
    list.clear();
    state.disabled = !to.value;
    again();
  }
  state.disabled = true;
  fill(
    main,
    h('div.head', h('div', h('h1', 'Messages'), h('div.soft', 'Every event that was emitted, newest first, and where it went.'))),
    h(
      'section.card',
      h(
        'div.card-head.filters',
        h('div.filters', field('Event type', type), field('Tag', tag), field('Endpoint', to), field('State at the endpoint', state)),
        datalist(),
      ),
      list.node,
    ),
  );
  return { title: 'Messages', refresh: list.refresh };
});

function datalist() {
  const list = h('datalist', { id: 'types' });
  eventTypes()
    .then((types) =>
      put(
        list,
        types.map((t) => h('option', { value: t.name })),
      ),
    )
    .catch(() => {});
  return list;
}

route(/^\/message\/([^/?]+)(?:\?(.+))?$/, async (main, id, wanted) => {
  const text = await askServer('GET', app(`/msg/${enc(id)}`));
  const m = JSON.parse(text);
  const isJson = m.payloadText === undefined && m.payloadBase64 === undefined;
  const raw = m.payloadErased ? null : isJson ? rawMember(text, 'payload') : (m.payloadText ?? null);
  const names = new Map((await endpoints()).map((e) => [e.id, e]));
  let chosen = wanted;
  const list = part(({ where, attempts }) =>
    where.length === 0
      ? h(
          'section.card',
          emptyCard('It went nowhere', 'No endpoint wanted it when it was emitted. “Send again…” of an endpoint can send it what it never got.'),
        )
      : where.map((d) => {
          const mine = attempts.filter((a) => a.endpointId === d.id);
          const sent = d.bodyFormat === 'form' ? null : raw;
          return h(
            'section.card',
            { 'aria-label': d.url },
            h(
              'div.card-head',
              h(
                'div',
                h('h2', names.has(d.id) ? link(`/endpoint/${enc(d.id)}`, {}, d.description || d.url) : d.description || d.url),
                d.description && h('div.small.soft.mono', d.url),
              ),
              h(
                'div.actions',
                statusPill(d.status),
                d.nextAttempt && h('span.small.soft', when(d.nextAttempt)),
                d.disabled && pill('bad', d.disabledReason === 'removed' ? 'Removed' : 'Endpoint disabled'),
                may('CreateAttempts') &&
                  names.has(d.id) &&
                  !m.payloadErased &&
                  h(
                    'button.primary',
                    { type: 'button', 'data-key': `resend ${d.id}`, disabled: d.disabled, onclick: () => resend(m.id, d.id) },
                    'Send again',
                  ),
              ),
            ),
            mine.length === 0
              ? emptyCard('No attempt yet', d.disabled ? 'The endpoint is disabled; it goes when that is over.' : 'It is waiting for its turn.')
              : mine.map((a) => attemptDetails(a, { open: a.id === chosen, sent, isJson })),
          );
        }),
  );
  fill(
    main,
    h('div.head', h('div', h('div.crumb', link('/messages', {}, 'Messages')), h('h1', m.eventType), h('div.soft.mono.small', m.id))),
    list.node,
    h(
      'section.card',
      { 'aria-label': 'Payload' },
      h(
        'div.card-head',
        h('h2', 'Payload'),
        h(
          'div.small.soft',
          [m.contentType ?? 'application/json', m.eventId, ...(m.channels ?? []), ...(m.tags ?? [])].filter(Boolean).map((t) => h('span.tag', t)),
          ' ',
          clockTime(m.timestamp),
          m.deliverAt && [', to be delivered ', when(m.deliverAt)],
        ),
      ),
      h(
        'div.pad',
        m.payloadErased
          ? h('p.soft', 'It was erased.')
          : raw === null
            ? h('p.soft', `Not text: ${bytesText(atob(m.payloadBase64 ?? '').length)}`)
            : codeBlock(pretty(raw), raw),
        (m.schemaFaults ?? []).length > 0 && [
          h('h3', 'It does not fit the schema of its type'),
          m.schemaFaults.map((f) => h('div.small', h('code', f.pointer || '/'), ' ', f.message)),
        ],
      ),
    ),
  );
  return {
    title: m.eventType,
    async refresh() {
      const [where, attempts] = await Promise.all([
        get(`/msg/${enc(id)}/endpoint${query({ limit: 250 })}`),
        get(`/attempt/msg/${enc(id)}${query({ limit: 250 })}`),
      ]);
      list.set({ where: where.data.sort((a, b) => b.status - a.status || a.id.localeCompare(b.id)), attempts: attempts.data });
      chosen = undefined; // open once; from then on as people leave it
    },
  };
});

route(/^\/activity$/, async (main) => {
  const type = typeChoice(reload),
    text = h('input', { type: 'search', onchange: reload, maxlength: 256, placeholder: 'in payload, answer or error' });
  const all = await endpoints();
  const to = h(
    'select',
    { onchange: reload },
    h('option', { value: '' }, 'any'),
    all.map((e) => h('option', { value: e.id }, e.description || e.url)),
  );
  const outcome = h(
    'select',
    { onchange: reload },
    [
      ['', 'any'],
      ['delivered', 'Delivered'],
      ['retry', 'Failed, will be tried again'],
      ['dead', 'Failed for good'],
      ['failed', 'Failed, by hand'],
    ].map(([value, says]) => h('option', { value }, says)),
  );
  const status = h(
    'select',
    { onchange: reload },
    [
      ['', 'any'],
      ['2xx', '2xx'],
      ['3xx', '3xx'],
      ['4xx', '4xx'],
      ['5xx', '5xx'],
      ['none', 'no answer'],
    ].map(([value, says]) => h('option', { value }, says)),
  );
  const list = growing(
    (data) => (data.length === 0 ? emptyCard('Nothing found', 'No attempt fits, as far as was looked.') : attemptRows(data, { withEndpoint: true })),
    async (cursor) => {
      const p = await json(
        'GET',
        `/sandboxes/${enc(me?.app)}/attempts${query({ limit: 40, cursor, type: type.value.trim(), text: text.value, destination: to.value, outcome: outcome.value, status: status.value })}`,
      );
      return { data: p.data, done: p.next_cursor === null, next: p.next_cursor };
    },
    'id',
  );
  function reload() {
    list.clear();
    again();
  }
  fill(
    main,
    h('div.head', h('div', h('h1', 'Activity'), h('div.soft', 'Every attempt at every endpoint, newest first.'))),
    h(
      'section.card',
      h(
        'div.card-head',
        h('div.filters', field('Result', outcome), field('Answer', status), field('Event type', type), field('Endpoint', to), field('Text', text)),
        datalist(),
      ),
      list.node,
    ),
  );
  return { title: 'Activity', refresh: list.refresh };
});
