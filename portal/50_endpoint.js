// @ts-check
// One endpoint: how it is, what was sent there, what failed for good, its secret, and how to have things sent again.

route(/^\/endpoint\/([^/?]+)(?:\/(\w+))?$/, async (main, id, tab) => {
  const path = `/endpoint/${enc(id)}`;
  let e = await get(path);
  const tabs = [
    ['', 'Attempts'],
    ['dead', 'Dead letters'],
    ['recoveries', 'Recoveries'],
    maySecret() && ['secret', 'Signing secret'],
    ['transformation', 'Transformation'],
    ['settings', 'Settings'],
  ].filter(Boolean);
  const head = part(({ endpoint, health, stats }) => endpointHead(endpoint, health, stats));
  const body = h('div', { role: 'tabpanel' });
  const make =
    { '': attemptsTab, dead: deadTab, recoveries: recoveriesTab, secret: secretTab, transformation: transformationTab, settings: settingsTab }[
      tab ?? ''
    ] ?? attemptsTab;
  const inside = await make(body, id, () => e);
  fill(
    main,
    head.node,
    h(
      'section.card',
      h(
        'div.subtabs',
        { role: 'tablist', onkeydown: besideTab },
        tabs.map(([name, text]) =>
          h(
            'button',
            {
              type: 'button',
              role: 'tab',
              'data-key': `tab ${name}`,
              'aria-selected': String((tab ?? '') === name),
              onclick: () => go(`/endpoint/${enc(id)}${name && `/${name}`}`, true),
            },
            text,
          ),
        ),
      ),
      body,
    ),
  );
  return {
    title: e.description || e.url,
    async refresh() {
      const [endpoint, health, stats] = await Promise.all([get(path), get(`${path}/health`), get(`${path}/stats`)]);
      e = endpoint;
      head.set({ endpoint, health, stats });
      await inside?.();
    },
  };
});

/** The arrow keys go from tab to tab. */
function besideTab(event) {
  const to = { ArrowRight: 'nextElementSibling', ArrowLeft: 'previousElementSibling' }[event.key];
  if (to) event.target[to]?.focus();
}

function endpointHead(e, health, stats) {
  const sets = async (change, said) => {
    try {
      await patch(`/endpoint/${enc(e.id)}`, change);
      toast(said);
    } catch (problem) {
      toast(messageOf(problem), true);
    }
    await again();
  };
  const why = health.disabledReason ?? e.disabledReason;
  return [
    h(
      'div.head',
      h(
        'div',
        h('div.crumb', link('/endpoints', {}, 'Endpoints')),
        h('h1', e.description || e.url),
        e.description && h('div.soft.mono', e.url),
        h(
          'div.actions',
          { class: 'small' },
          healthPill(health, e),
          h('span.soft.num', `${stats.success} delivered · ${stats.pending + stats.sending} waiting · ${stats.fail} failed`),
        ),
      ),
      h(
        'div.actions',
        may('CreateAttempts') && h('button', { type: 'button', 'data-key': 'test', onclick: () => sendTest(e) }, 'Send test event'),
        may('CreateAttempts') && h('button.primary', { type: 'button', 'data-key': 'recover', onclick: () => sendAgain(e) }, 'Send again…'),
        may('ManageEndpoint') && h('button', { type: 'button', 'data-key': 'edit', onclick: () => editEndpoint(e) }, 'Edit'),
        may('ManageEndpoint') &&
          h(
            'button',
            { type: 'button', 'data-key': 'state', onclick: () => sets({ disabled: !e.disabled }, e.disabled ? 'Enabled' : 'Disabled') },
            e.disabled ? 'Enable' : 'Disable',
          ),
      ),
    ),
    e.disabled &&
      h(
        'div.note',
        { class: why ? 'bad' : 'info' },
        h('strong', why ? `Disabled: ${why}` : 'Disabled'),
        health.state === 'probing'
          ? 'It is tried now and then, and enabled again as soon as it answers.'
          : 'Nothing is sent until it is enabled. What comes meanwhile is kept, and goes then.',
      ),
    !e.disabled &&
      health.heldUntil &&
      h(
        'div.note.warn',
        h('strong', ['Held back; it goes on ', when(health.heldUntil)]),
        `${health.failedInARow} attempts have failed in a row. What waits is released gradually once an attempt succeeds.`,
      ),
    !e.disabled &&
      !health.heldUntil &&
      health.failedInARow > 0 &&
      h(
        'div.note.warn',
        h('strong', `The last ${health.failedInARow === 1 ? 'attempt' : `${health.failedInARow} attempts`} failed`),
        health.failingSince && ['The first of them ', when(health.failingSince), '. '],
        'Look at what your server answered below, then send again what it missed.',
      ),
    (e.warnings ?? []).map((w) => h('div.note.warn', w)),
  ];
}

async function attemptsTab(body, id) {
  let status = '',
    iterator = null,
    older = [];
  const list = part(({ data, done }) => [
    data.length === 0
      ? emptyCard('No attempts', status === '' ? 'Nothing was sent here yet. Send a test event to try it.' : 'None of this kind.')
      : attemptRows(data, {}),
    !done && h('div.more', h('button', { type: 'button', 'data-key': 'more', onclick: more }, 'Show older')),
  ]);
  const page = (from) => get(`/attempt/endpoint/${enc(id)}${query({ limit: 30, status, iterator: from })}`);
  let last = { data: [], done: true };
  const draw = () => list.set({ data: [...last.data, ...older], done: older.length ? !iterator : last.done });
  async function more() {
    const next = await page(iterator ?? last.iterator);
    older.push(...next.data);
    iterator = next.done ? null : next.iterator;
    if (next.done) last.done = true;
    draw();
  }
  const choose = h(
    'select',
    {
      'aria-label': 'Result',
      onchange: async (event) => {
        status = event.target.value;
        older = [];
        iterator = null;
        await again();
      },
    },
    [
      ['', 'All attempts'],
      ['2', 'Failed'],
      ['0', 'Delivered'],
    ].map(([value, text]) => h('option', { value }, text)),
  );
  fill(body, h('div.card-head', h('h2', 'Attempts'), choose), list.node);
  return async () => {
    const fresh = await page(null);
    if (older.length) {
      // what has moved on from the first page meanwhile belongs to the older ones
      const there = new Set([...fresh.data, ...older].map((a) => a.id));
      older.unshift(...last.data.filter((a) => !there.has(a.id)));
    }
    last = fresh;
    draw();
  };
}

async function deadTab(body, id, endpoint) {
  const list = part(({ data, done }) =>
    data.length === 0
      ? emptyCard('No dead letters', 'A message becomes one when its last attempt has failed.')
      : [
          h(
            'ul.rows',
            data.map((d) =>
              h(
                'li',
                h(
                  'div.row.r-attempt',
                  attemptPill(d),
                  h(
                    'div.main',
                    h('div.title', link(`/message/${enc(d.msgId)}`, {}, d.eventType ?? d.msg?.eventType ?? d.msgId)),
                    h('div.small.soft', outcomeText(d), ' · ', when(d.timestamp)),
                  ),
                  h(
                    'div.actions.end',
                    may('CreateAttempts') &&
                      h('button', { type: 'button', 'data-key': `again ${d.msgId}`, onclick: () => resend(d.msgId, id) }, 'Send again'),
                    may('ManageEndpoint') &&
                      h('button.quiet.danger', { type: 'button', 'data-key': `away ${d.msgId}`, onclick: () => throwAway(d, id) }, 'Throw away'),
                  ),
                ),
              ),
            ),
          ),
          !done && h('div.more.soft', 'There are more, older ones'),
        ],
  );
  fill(
    body,
    h(
      'div.card-head',
      h('div', h('h2', 'Dead letters'), h('div.small.soft', 'Messages that were tried as often as planned, and did not arrive.')),
      may('CreateAttempts') && h('button.primary', { type: 'button', onclick: () => sendAgain(endpoint()) }, 'Send all again…'),
    ),
    list.node,
  );
  return async () => list.set(await get(`/endpoint/${enc(id)}/dead${query({ limit: 100 })}`));
}

function throwAway(letter, id) {
  ask(
    'Throw this dead letter away?',
    h('p', 'It will not be listed any more, and nothing will send it again. The message itself stays.'),
    'Throw away',
    async () => {
      await askServer('DELETE', app(`/endpoint/${enc(id)}/dead/${enc(letter.msgId)}`));
      await again();
    },
    { danger: true },
  );
}

async function recoveriesTab(body, id) {
  const names = { failed: 'What failed', missing: 'What it never got', all: 'Everything' };
  const list = part((data) =>
    data.length === 0
      ? emptyCard('Nothing was sent again in bulk', 'After an outage, “Send again…” has all that failed delivered.')
      : h(
          'ul.rows',
          data.map((r) =>
            h(
              'li',
              h(
                'div.row.r-attempt',
                r.cancelled ? pill('', 'Cancelled') : r.status === 'running' ? pill('info', 'Running') : pill('good', 'Finished'),
                h(
                  'div.main',
                  h(
                    'div.title',
                    r.purged !== undefined ? 'Dead letters thrown away' : (names[r.scope] ?? r.scope),
                    r.automatic && h('span.soft', ' (by itself)'),
                  ),
                  h('div.small.soft', r.since ? ['since ', clockTime(r.since)] : 'since ever', ' · ', when(r.createdAt)),
                ),
                h(
                  'div.end.small.num',
                  r.purged !== undefined ? `${r.purged} removed` : `${r.queued} queued · ${r.delivered} delivered · ${r.dead} failed `,
                  r.status === 'running' &&
                    may('CreateAttempts') &&
                    h(
                      'button',
                      {
                        type: 'button',
                        'data-key': `stop ${r.id}`,
                        onclick: async () => {
                          try {
                            await post(`/endpoint/${enc(id)}/recovery/${enc(r.id)}/cancel`);
                            toast('Cancelled');
                          } catch (problem) {
                            toast(messageOf(problem), true);
                          }
                          await again();
                        },
                      },
                      'Cancel',
                    ),
                ),
              ),
            ),
          ),
        ),
  );
  fill(body, list.node);
  return async () => list.set((await get(`/endpoint/${enc(id)}/recovery${query({ limit: 50 })}`)).data);
}

async function secretTab(body, id) {
  let open = false;
  const list = part(({ secret, shownNow }) =>
    h(
      'div.pad',
      h(
        'p.soft',
        'Your server checks with this secret that a webhook came from here, and was not changed on the way. Each carries ',
        h('code', 'webhook-id'),
        ', ',
        h('code', 'webhook-timestamp'),
        ' and ',
        h('code', 'webhook-signature'),
        ', as the Standard Webhooks say.',
      ),
      (secret.keys ?? []).map((k, i) =>
        h(
          'div.note',
          h('strong', i === 0 ? 'Signs' : 'Signs too, for a while'),
          codeBlock(shownNow ? k.key : k.key.slice(0, 6) + '•'.repeat(24), k.key),
          h('div.small.soft', 'since ', clockTime(k.createdAt), k.expiresAt && [' · ends ', when(k.expiresAt)]),
        ),
      ),
      h(
        'div.actions',
        h(
          'button',
          {
            type: 'button',
            'data-key': 'reveal',
            onclick: async () => {
              open = !open;
              await again();
            },
          },
          shownNow ? 'Hide' : 'Show',
        ),
        mayRotate() && h('button', { type: 'button', 'data-key': 'rotate', onclick: () => rotate(id) }, 'Rotate…'),
        link('/verify', { class: 'button' }, 'Verify a signature'),
      ),
    ),
  );
  fill(body, list.node);
  return async () => list.set({ secret: await get(`/endpoint/${enc(id)}/secret`), shownNow: open });
}

function rotate(id) {
  const grace = h(
    'select',
    [
      [86400, 'for 24 hours'],
      [3600, 'for an hour'],
      [604800, 'for 7 days'],
      [0, 'no more, at once'],
    ].map(([value, text]) => h('option', { value }, text)),
  );
  ask(
    'Rotate the signing secret',
    [h('p', 'A new secret is made. While both sign, your server may check with either of them.'), field('The old secret signs too', grace)],
    'Rotate',
    async () => {
      await post(`/endpoint/${enc(id)}/secret/rotate`, { gracePeriodSeconds: Number(grace.value) });
      toast('There is a new secret');
      await again();
    },
  );
}
