// @ts-check
// The rest of an endpoint: its script, its settings, test events, and sending again.

async function transformationTab(body, id) {
  const path = `/endpoint/${enc(id)}/transformation`;
  const now = await get(path);
  const code = h('textarea', { rows: 16, spellcheck: false, 'aria-label': 'Script', readonly: !mayTransform() });
  code.value = now.code ?? 'function handler(webhook) {\n  // webhook.method, webhook.url, webhook.headers, webhook.payload\n  return webhook;\n}\n';
  const on = h('input', { type: 'checkbox', checked: now.enabled ?? false, disabled: !mayTransform() });
  const out = h('div', { 'aria-live': 'polite' });
  const say = (kind, title, text) => fill(out, h('div.note', { class: kind }, h('strong', title), text && h('pre', text)));
  const tried = async () => {
    try {
      const made = await post(`${path}/simulate`, { code: code.value, eventType: 'example.event', payload: { hello: 'world' } });
      const text = JSON.stringify(made, null, 2);
      made.error ? say('bad', made.error.message ?? 'The script failed', text) : say('good', 'This would be sent for {"hello": "world"}', text);
    } catch (problem) {
      say('bad', 'It was not tried', messageOf(problem));
    }
  };
  const save = async () => {
    try {
      await askServer('PATCH', app(path), { code: code.value, enabled: on.checked });
      say('good', 'Saved', '');
    } catch (problem) {
      say('bad', 'It was not saved', messageOf(problem));
    }
  };
  fill(
    body,
    h(
      'div.pad',
      h(
        'p.soft',
        'A script that changes what is sent here: method, URL, headers, payload. It declares ',
        h('code', 'handler(webhook)'),
        ' and returns the webhook; with ',
        h('code', 'webhook.cancel = true'),
        ' nothing is sent.',
      ),
      field('Script', code),
      h('label.check', on, 'In use'),
      mayTransform() &&
        h('div.actions', h('button', { type: 'button', onclick: tried }, 'Try it'), h('button.primary', { type: 'button', onclick: save }, 'Save')),
      out,
    ),
  );
  return null; // what somebody writes is not drawn over
}

async function settingsTab(body, id, endpoint) {
  const list = part(({ e, headers }) =>
    h(
      'div.pad',
      h(
        'dl.facts',
        [
          ['Id', h('span.mono', e.id)],
          e.uid && ['Uid', e.uid],
          ['URL', e.url],
          ['Event types', e.filterTypes ? e.filterTypes.map((t) => h('span.tag', t)) : 'all'],
          ['Channels', e.channels ? e.channels.map((t) => h('span.tag', t)) : 'all'],
          e.filter && ['Content filter', h('pre', JSON.stringify(e.filter, null, 2))],
          ['Signature', e.signatureProfile],
          ['Messages a second', e.rateLimit ?? 'as they come'],
          ['At once', e.inFlight],
          ['Time for an answer', `${e.timeout} s`],
          ['Tried again after', e.retrySchedule?.length ? e.retrySchedule.map((s) => span(s * 1000)).join(', ') : 'never'],
          Object.keys(headers.headers).length > 0 && [
            'Headers',
            Object.entries(headers.headers).map(([name, value]) => h('div.mono', `${name}: ${value}`)),
          ],
          headers.sensitive.length > 0 && ['Secret headers', headers.sensitive.join(', ')],
          ['Created', clockTime(e.createdAt)],
          ['Changed', clockTime(e.updatedAt)],
        ]
          .filter(Boolean)
          .map(([name, value]) => [h('dt', name), h('dd', value)]),
      ),
      may('ManageEndpoint') &&
        h(
          'div.actions',
          { class: 'pad-top' },
          h('button', { type: 'button', 'data-key': 'edit2', onclick: () => editEndpoint(e) }, 'Edit'),
          h('button', { type: 'button', 'data-key': 'headers', onclick: () => editHeaders(id, headers) }, 'Headers…'),
          h(
            'button.danger',
            {
              type: 'button',
              'data-key': 'remove',
              onclick: () =>
                ask(
                  'Remove this endpoint?',
                  h('p', 'What waits for it will not be sent. What was sent can still be looked at.'),
                  'Remove',
                  async () => {
                    await askServer('DELETE', app(`/endpoint/${enc(id)}`));
                    toast('Removed');
                    go('/endpoints', true);
                  },
                  { danger: true },
                ),
            },
            'Remove',
          ),
        ),
    ),
  );
  fill(body, list.node);
  return async () => list.set({ e: endpoint(), headers: await get(`/endpoint/${enc(id)}/headers`) });
}

function editHeaders(id, now) {
  const text = h('textarea', {
    rows: 6,
    spellcheck: false,
    value: Object.entries(now.headers)
      .map(([name, value]) => `${name}: ${value}`)
      .join('\n'),
  });
  ask(
    'Headers that go with every webhook',
    [
      field(
        'One a line, as name: value',
        text,
        now.sensitive.length ? `Kept as they are, since their values are hidden: ${now.sensitive.join(', ')}` : undefined,
      ),
    ],
    'Save',
    async () => {
      const headers = {};
      for (const line of text.value.split('\n').filter((l) => l.trim())) {
        const colon = line.indexOf(':');
        if (colon < 1) throw new Error(`This line has no colon: ${line.slice(0, 60)}`);
        headers[line.slice(0, colon).trim()] = line.slice(colon + 1).trim();
      }
      const kept = new Set(Object.keys(headers).map((n) => n.toLowerCase()));
      await askServer('PATCH', app(`/endpoint/${enc(id)}/headers`), {
        headers,
        deleteHeaders: Object.keys(now.headers).filter((n) => !kept.has(n.toLowerCase())),
      });
      await again();
    },
  );
}

const faults = [
  ['', 'as it should be'],
  ['bad_signature', 'with a wrong signature'],
  ['missing_signature', 'without a signature'],
  ['stale_timestamp', 'with an old timestamp'],
  ['future_timestamp', 'with a timestamp ahead'],
  ['changed_body', 'with a body that was changed'],
  ['duplicate', 'twice, under one id'],
  ['reordered', 'out of order'],
];

async function sendTest(e) {
  let types = [];
  try {
    types = (await eventTypes()).filter((t) => !t.archived).map((t) => t.name);
  } catch {
    /* the ping is always there */
  }
  const type = h(
    'select',
    ['svix.ping', ...types].map((name) => h('option', { value: name }, name === 'svix.ping' ? 'svix.ping: a small test event' : name)),
  );
  const fault = h(
    'select',
    faults.map(([value, text]) => h('option', { value }, text)),
  );
  ask(
    'Send a test event',
    [
      h(
        'div.wide',
        field('Event type', type, 'An example of it goes to this endpoint alone, whatever it filters.'),
        field('Sent', fault, 'Wrong on purpose: does your server refuse what it must not trust?'),
      ),
    ],
    'Send',
    async () => {
      const made = await post(`/endpoint/${enc(e.id)}/send-example`, { eventType: type.value, ...(fault.value && { fault: fault.value }) });
      toast('On its way');
      const id = made.id ?? made.data?.[0]?.id;
      id ? go(`/message/${enc(id)}`) : await again();
    },
  );
}

async function resend(message, endpoint) {
  try {
    await post(`/msg/${enc(message)}/endpoint/${enc(endpoint)}/resend`, {});
    toast('It is being sent again');
    setTimeout(again, 400);
  } catch (problem) {
    toast(messageOf(problem), true);
  }
  await again();
}

/** What failed since a moment, what never got there, or everything; counted before it is sent. */
async function sendAgain(e) {
  await readClock();
  const scopes = [
    ['recover', 'What failed'],
    ['replay-missing', 'What it never got: events of before it was made, or while it was disabled or wanted other types'],
    ['all', 'Everything again'],
  ];
  const radios = scopes.map(([value, text], i) => h('label.check', h('input', { type: 'radio', name: 'scope', value, checked: i === 0 }), text));
  const since = h(
    'select',
    [
      [3600, 'in the last hour'],
      [86400, 'in the last 24 hours'],
      [604800, 'in the last 7 days'],
      ['', 'ever'],
    ].map(([value, text]) => h('option', { value, selected: value === 86400 }, text)),
  );
  const count = h('p', { 'aria-live': 'polite' }, '…');
  const wanted = () => {
    const scope = /** @type {any} */ (radios.map((r) => r.firstChild).find((r) => r.checked)).value;
    const from = since.value ? sandboxNow() - Number(since.value) * 1000 : 0;
    const body = { since: new Date(from).toISOString(), ...(scope === 'all' && { scope: 'all' }) };
    return { path: `/endpoint/${enc(e.id)}/${scope === 'all' ? 'recover' : scope}`, body };
  };
  const { box, go: button } = ask(
    'Send again',
    [h('fieldset', h('legend', 'Which'), radios), h('div.wide', field('Sent', since)), count],
    'Send',
    async () => {
      const w = wanted();
      await post(w.path, w.body);
      toast('It has begun');
      go(`/endpoint/${enc(e.id)}/recoveries`, true);
    },
  );
  let asked = 0;
  const look = async () => {
    const mine = ++asked;
    try {
      const w = wanted();
      const found = await post(w.path, { ...w.body, dryRun: true });
      const waiting = await get(`/endpoint/${enc(e.id)}/stats`).then(
        (s) => s.pending + s.sending,
        () => 0,
      );
      if (mine !== asked) return;
      count.replaceChildren(
        h('strong', `${found.complete ? '' : 'At least '}${found.count} ${found.count === 1 ? 'message' : 'messages'}`),
        found.count ? ' will be sent, each under the id it always had.' : ' to send.',
        waiting > 0 &&
          h(
            'div.small.soft',
            `${waiting} more ${waiting === 1 ? 'waits' : 'wait'} for the next attempt, and ${waiting === 1 ? 'goes' : 'go'} by ${waiting === 1 ? 'itself' : 'themselves'}.`,
          ),
      );
      button.disabled = found.count === 0 && found.complete;
    } catch (problem) {
      if (mine === asked) count.replaceChildren(messageOf(problem));
    }
  };
  box.addEventListener('change', look);
  await look();
}
