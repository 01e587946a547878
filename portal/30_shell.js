// @ts-check
// Which view is shown, who is signed in, and the clock that asks again.

/** What a view gives: `refresh` is called now and then while it is shown. */
/** @typedef {{ title: string, refresh?: () => Promise<void> }} View */

const sections = [
  ['endpoints', 'Endpoints'],
  ['activity', 'Activity'],
  ['messages', 'Messages'],
  ['types', 'Event types'],
  ['verify', 'Verify a signature'],
];
const refreshEvery = 3000;
let live = true;
let shown = 0;
/** @type {View | null} */
let view = null;

/** @type {[RegExp, (main: HTMLElement, ...args: string[]) => Promise<View>][]} */
const routes = [];
const route = (pattern, make) => routes.push([pattern, make]);

function go(path, replace = false) {
  history[replace ? 'replaceState' : 'pushState']({ token: me?.token }, '', `#${path}`);
  show(true);
}

/** @param {string} path */
const link = (path, props, ...children) => h(props?.tag ?? 'a', { ...props, tag: null, href: `#${path}` }, ...children);

document.addEventListener('click', (event) => {
  const a = /** @type {Element} */ (event.target).closest?.('a[href^="#/"]');
  if (!a || event.defaultPrevented || event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0) return;
  event.preventDefault();
  go(a.getAttribute('href').slice(1));
});

addEventListener('popstate', (event) => {
  if (me && !event.state?.token) history.replaceState({ token: me.token }, '', location.hash);
  enter();
});

function drawBar() {
  by('app').textContent = me?.name || (me ? 'Webhooks' : 'Webhooks');
  by('nav').hidden = !me;
  const current = location.hash.slice(2).split(/[/?]/)[0];
  by('nav').replaceChildren(
    ...sections.map(([path, text]) =>
      h(
        'a',
        {
          href: `#/${path}`,
          'aria-current':
            path === current || (path === 'endpoints' && current === 'endpoint') || (path === 'messages' && current === 'message') ? 'page' : null,
        },
        text,
      ),
    ),
  );
  const out = by('session');
  out.replaceChildren();
  if (!me) return;
  const readOnly = !['CreateAttempts', 'ManageEndpoint', 'ManageEndpointSecret', 'ManageTransformations'].some(may);
  const odd = sandboxClock && (sandboxClock.mode !== 'running' || Math.abs(sandboxClock.offset) > 2_000_000);
  put(out, [
    odd &&
      h(
        'span.soft',
        { title: 'This sandbox has a clock of its own; times are shown by it' },
        `Sandbox clock ${clockTime(sandboxNow())}${sandboxClock?.mode === 'running' ? '' : `, ${sandboxClock?.mode}`}`,
      ),
    readOnly && pill('info', 'Read only'),
    me.session && h('span.soft', me.session),
    h(
      'label.switch',
      h('input', {
        type: 'checkbox',
        checked: live,
        'aria-label': 'Live',
        onchange: (e) => {
          live = e.target.checked;
          drawBar();
        },
      }),
      h('span.live', { class: live ? 'on' : '' }),
      'Live',
    ),
    h('button', { type: 'button', onclick: signOut }, 'Sign out'),
  ]);
}

async function show(focus = false) {
  const mine = ++shown;
  view = null;
  const main = by('main');
  const path = location.hash.slice(1) || '/endpoints';
  await readClock();
  drawBar();
  const place = h('div');
  for (const [pattern, make] of routes) {
    const found = pattern.exec(path);
    if (!found) continue;
    try {
      const made = await make(place, ...found.slice(1).map((part) => decodeURIComponent(part ?? '')));
      await made.refresh?.();
      if (mine !== shown || !me) return;
      view = made;
      document.title = `${made.title} · ${me.name || 'Webhooks'}`;
    } catch (problem) {
      if (mine !== shown || !me) return;
      fill(
        place,
        h('div.note.bad', { role: 'alert' }, h('strong', 'This cannot be shown'), messageOf(problem)),
        link('/endpoints', {}, 'All endpoints'),
      );
    }
    main.replaceChildren(place);
    if (focus) {
      main.focus({ preventScroll: true });
      scrollTo(0, 0);
    }
    return;
  }
  go('/endpoints', true);
}

/** What was done shows at once. */
async function again() {
  try {
    await view?.refresh?.();
  } catch (problem) {
    toast(messageOf(problem), true);
  }
}

async function tick() {
  try {
    if (live && me && view?.refresh && !document.hidden && !document.querySelector('dialog[open]')) {
      await readClock();
      drawClock();
      await view.refresh();
      by('session').querySelector('.live')?.removeAttribute('title');
    }
  } catch (problem) {
    by('session').querySelector('.live')?.setAttribute('title', messageOf(problem));
    by('session').querySelector('.live')?.classList.remove('on');
  }
  setTimeout(tick, refreshEvery);
}

/** The bar anew, unless somebody is in it. */
function drawClock() {
  if (!by('session').contains(document.activeElement)) drawBar();
}

/** A part of a view that is drawn anew only when what it shows has changed. */
function part(draw) {
  const node = h('div');
  let before;
  return {
    node,
    set(data) {
      const text = JSON.stringify(data) + Math.floor(sandboxNow() / 30_000);
      if (text === before) return;
      before = text;
      fill(node, draw(data));
    },
  };
}

// -- signing in and out -----------------------------------------------------------------

async function signIn(token) {
  const s = await json('GET', '/portal/session', undefined, token);
  me = {
    token,
    app: s.app_id,
    name: s.name || s.uid || '',
    may: new Set(s.capabilities),
    session: s.session_id,
    expires: s.expires_at,
    flags: s.feature_flags,
  };
}

/** A link is a token once: what stands behind `#key=` is exchanged, and taken out of the address before anything else. */
async function tokenOf(text) {
  const key = /#key=([^&\s]+)/.exec(text)?.[1] ?? (text.startsWith('applk_') ? text : null);
  if (!key) return /#token=([^&\s]+)/.exec(text)?.[1] ?? text.trim();
  return (await json('POST', '/api/v1/auth/one-time-token', { oneTimeToken: key }, '')).token;
}

async function enter() {
  const hash = location.hash;
  const given = /^#(key|token)=/.test(hash);
  const token = history.state?.token;
  if (given) history.replaceState(null, '', '#/endpoints');
  try {
    if (given) await signIn(await tokenOf(hash));
    else if (token && token !== me?.token) await signIn(token);
  } catch (problem) {
    return signedOut(messageOf(problem));
  }
  if (!me) return signedOut('');
  history.replaceState({ token: me.token }, '', location.hash || '#/endpoints');
  await show();
}

function signedOut(why) {
  me = null;
  view = null;
  ++shown;
  history.replaceState(null, '', location.pathname);
  document.title = 'Webhooks · Hourglass';
  drawBar();
  const wrong = h('div.note.warn', { role: 'alert', hidden: !why }, why);
  const input = h('input', { id: 'token', type: 'password', autocomplete: 'off', spellcheck: false, required: true });
  const form = h(
    'form.card.pad',
    h('p.soft', 'Open the link that you were given, or paste it here. A link opens this page once, within an hour; a token works until it ends.'),
    field('Link or token', input),
    h('button.primary', { type: 'submit' }, 'Open'),
  );
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    try {
      await signIn(await tokenOf(input.value.trim()));
      go('/endpoints', true);
    } catch (problem) {
      wrong.replaceChildren(messageOf(problem));
      wrong.hidden = false;
    }
  });
  by('main').replaceChildren(
    h('div.signin', h('h1', 'Your webhooks'), h('p.soft', 'See what was sent, what your receiver answered, and send it again.'), wrong, form),
  );
}

async function signOut() {
  try {
    await askServer('POST', '/api/v1/auth/logout');
  } catch {
    /* a sandbox's own key has no session to end */
  }
  signedOut('You are signed out.');
}
