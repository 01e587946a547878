// The portal: its tokens through Svix's official client, and its page in a real browser.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Svix } from 'svix';
import { Svix as Svix1 } from 'svix-1';
import { launch } from '../lib/browser.mjs';
import { until } from '../lib/http.mjs';
import { answers, Receiver } from '../lib/receiver.mjs';
import { adminKey, Server, removeFolder } from '../lib/server.mjs';

let server, receiver, browser;
const evil = '<img src=x onerror="window.ran=1"><script>window.ran=1</script>';

before(async () => {
  [server, receiver, browser] = await Promise.all([Server.start(), Receiver.start(), launch()]);
});
after(async () => {
  await browser?.close();
  await server?.stop();
  await receiver?.stop();
  removeFolder(server.data);
});

const client = (Client, token = adminKey) => new Client(token, { serverUrl: server.url });
const refused = (status) => (problem) => problem.code === status || assert.fail(String(problem));

let count = 0;
/// An application with one endpoint that fails with `answer`, and one message that it was sent.
async function failing(answer = answers.status(500, { 'content-type': 'text/html' }, `<h1>Internal Error</h1>${evil}`), extra = {}) {
  const uid = `app-${++count}`, path = `/${uid}`;
  await server.ask('POST', '/sandboxes', { uid, name: `Shop ${count}` });
  receiver.behaviours.set(path, answer);
  const endpoint = await server.ask('POST', `/api/v1/app/${uid}/endpoint`, { url: receiver.base + path, description: 'Billing', retrySchedule: [3600], ...extra });
  const message = await server.ask('POST', `/api/v1/app/${uid}/msg`, { eventType: 'order.paid', payload: { name: evil, amount: 4200 } });
  await until('delivery', () => receiver.deliveries.some((d) => d.path === path));
  await until('attempt', async () => (await server.ask('GET', `/api/v1/app/${uid}/attempt/msg/${message.id}`)).data.length > 0);
  return { uid, path, endpoint, message };
}

const access = (uid, body = {}) => server.ask('POST', `/api/v1/auth/app-portal-access/${uid}`, body);

/// A page that has come in by a link; every error in it fails the test that looks.
async function opened(uid, body, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1200, height: 850 }, ...options });
  const page = await context.newPage();
  page.wrong = [];
  page.asked = [];
  page.on('pageerror', (error) => page.wrong.push(String(error)));
  page.on('console', (m) => m.type() === 'error' && !/status of 4[0-9][0-9]/.test(m.text()) && page.wrong.push(m.text()));
  page.on('request', (r) => page.asked.push(r.url()));
  await page.goto((await access(uid, body)).url);
  await page.getByRole('heading', { name: 'Endpoints', level: 1 }).waitFor();
  return page;
}

for (const [version, Client] of [['1.99', Svix1], ['2.5', Svix]])
  test(`${version}: a portal token does what a portal needs, in its own application only`, async () => {
    const { uid, endpoint } = await failing(), other = await failing();
    const { token, url } = await client(Client).authentication.appPortalAccess(uid, { sessionId: 'ada' });
    assert.match(url, /^http:.*\/portal\/#key=applk_/);
    const mine = client(Client, token);
    assert.equal((await mine.endpoint.list(uid)).data[0].id, endpoint.id);
    assert.equal((await mine.endpoint.patch(uid, endpoint.id, { description: 'changed' })).description, 'changed');
    assert.match((await mine.endpoint.getSecret(uid, endpoint.id)).key, /^whsec_/);
    assert.equal((await mine.messageAttempt.listByEndpoint(uid, endpoint.id)).data.length, 1);
    await assert.rejects(mine.endpoint.list(other.uid), refused(404));
    await assert.rejects(mine.application.list(), refused(403));
    await assert.rejects(mine.application.create({ name: 'x' }), refused(403));
    await assert.rejects(mine.message.create(uid, { eventType: 'a.b', payload: {} }), refused(403));
    await assert.rejects(mine.authentication.appPortalAccess(uid), refused(403));
  });

for (const [version, Client] of [['1.99', Svix1], ['2.5', Svix]])
  test(`${version}: event types with a feature flag are seen by who has it, as in Svix's suite`, async () => {
    const admin = client(Client), name = `flagged.${version.replace('.', '-')}`, plain = `plain.${version.replace('.', '-')}`;
    await admin.eventType.create({ name, description: 'd', featureFlags: ['foo-feature'], featureFlag: 'foo-feature' });
    await admin.eventType.create({ name: plain, description: 'd' });
    const { uid } = await failing();
    for (const [featureFlags, sees] of [[[], false], [['bar-feature'], false], [['bar-feature', 'foo-feature'], true], [['foo-feature'], true]]) {
      const { token } = await admin.authentication.appPortalAccess(uid, { featureFlags });
      const mine = client(Client, token);
      const names = (await mine.eventType.list()).data.map((t) => t.name);
      assert.equal(names.includes(name), sees);
      assert.ok(names.includes(plain));
      if (sees) assert.equal((await mine.eventType.get(name)).name, name);
      else await assert.rejects(mine.eventType.get(name), refused(404));
    }
  });

test('logout and expire-all end tokens at once, and a restart brings none back', async () => {
  const { uid } = await failing();
  const admin = client(Svix);
  const [one, two, three] = await Promise.all([{ sessionId: 'one' }, { sessionId: 'two' }, {}].map((body) => admin.authentication.appPortalAccess(uid, body)));
  const works = (t) => client(Svix, t.token).endpoint.list(uid).then(() => true, (problem) => (refused(401)(problem), false));
  assert.deepEqual(await Promise.all([one, two, three].map(works)), [true, true, true]);
  await client(Svix, one.token).authentication.logout();
  await admin.authentication.expireAll(uid, { sessionIds: ['two'] });
  assert.deepEqual(await Promise.all([one, two, three].map(works)), [false, false, true]);
  await server.kill();
  const data = server.data, port = new URL(server.url).port;
  server = await Server.start({ data, port });
  assert.deepEqual(await Promise.all([one, two, three].map(works)), [false, false, true]);
  await client(Svix).authentication.expireAll(uid);
  assert.equal(await works(three), false);
  assert.equal(await works(await client(Svix).authentication.appPortalAccess(uid)), true);
});

test('dashboard-access takes no body, as in Svix\'s suite, and a link is used once', async () => {
  const { uid } = await failing();
  const answer = await server.call('POST', `/api/v1/auth/dashboard-access/${uid}/`);
  assert.equal(answer.status, 200);
  const oneTimeToken = answer.json.url.split('#key=')[1];
  const exchange = () => server.call('POST', '/api/v1/auth/one-time-token', { oneTimeToken }, { key: null });
  assert.equal((await exchange()).json.token, answer.json.token);
  assert.equal((await exchange()).status, 401);
});

test('a failed webhook is found, every attempt read, the receiver mended, and the message sent again', async () => {
  const { uid, path, message } = await failing();
  const page = await opened(uid);
  assert.ok(!page.url().includes('applk_') && !page.url().includes('appsk_'), 'no secret stays in the address');
  assert.ok(page.asked.every((url) => !url.includes('applk_') && !url.includes('appsk_') || url.includes('#')), 'and none is in a request line');
  await page.getByText('Failing').first().waitFor();
  await page.getByRole('region', { name: 'Latest failures' }).getByRole('link', { name: /order\.paid/ }).click();
  await page.getByRole('heading', { name: 'order.paid' }).waitFor();
  await page.getByText('HTTP 500').waitFor(); // the attempt that was clicked is open
  await page.getByText('Internal Error').waitFor();
  const sent = receiver.deliveries.find((d) => d.path === path);
  for (const value of [sent.headers['webhook-signature'], sent.headers['webhook-id'], sent.headers['webhook-timestamp']])
    await page.getByRole('cell', { name: value, exact: true }).first().waitFor();
  await page.getByRole('button', { name: 'Check the signature' }).click();
  await page.getByText('The signature holds').waitFor();
  receiver.behaviours.set(path, answers.ok);
  await page.getByRole('button', { name: 'Send again' }).click();
  await page.getByText('Delivered', { exact: true }).first().waitFor();
  await page.getByText(/Attempt 2/).waitFor();
  assert.equal(receiver.deliveries.filter((d) => d.path === path).length, 2);
  assert.equal(receiver.deliveries.findLast((d) => d.path === path).headers['webhook-id'], message.id);
  assert.deepEqual(page.wrong, []);
  await page.context().close();
});

test('what comes from outside is shown as text and never runs', async () => {
  const { uid, message, endpoint } = await failing();
  await server.ask('PATCH', `/sandboxes/${uid}`, { name: evil });
  await server.ask('PATCH', `/api/v1/app/${uid}/endpoint/${endpoint.id}`, { description: evil });
  await server.ask('PUT', '/api/v1/event-type/evil.type', { description: evil });
  const page = await opened(uid);
  for (const view of ['endpoints', `endpoint/${endpoint.id}`, `endpoint/${endpoint.id}/settings`, 'activity', 'messages', `message/${message.id}`, 'types']) {
    await page.evaluate((to) => { location.hash = `#/${to}`; }, view);
    await page.locator('main h1').waitFor();
    for (const closed of await page.locator('summary').all()) await closed.click();
    await page.waitForFunction(() => document.querySelector('main h1'));
    assert.equal(await page.evaluate(() => document.querySelectorAll('main img, main script').length), 0, view);
    assert.equal(await page.evaluate(() => window.ran), undefined, view);
  }
  assert.ok(await page.getByText(evil).count() > 0, 'it is there, as text');
  assert.equal(await page.evaluate(() => { try { document.body.innerHTML = '<b>x</b>'; return 'set'; } catch { return 'refused'; } }), 'refused', 'the policy itself forbids markup of a string');
  assert.deepEqual(page.wrong.filter((w) => !/TrustedHTML|innerHTML/.test(w)), []);
  await page.context().close();
});

test('an endpoint is added, changed, tested, rotated, disabled and removed', async () => {
  const { uid } = await failing(answers.ok);
  receiver.behaviours.set('/made', answers.ok);
  const page = await opened(uid);
  await page.getByRole('button', { name: 'Add endpoint' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('URL').fill('ftp://nowhere');
  await dialog.getByRole('button', { name: 'Add', exact: true }).click();
  await dialog.getByRole('alert').waitFor(); // what the server says, in the dialog
  await dialog.getByLabel('URL').fill(`${receiver.base}/made`);
  await dialog.getByLabel('Description').fill('Made here');
  await dialog.getByLabel(/patterns/).fill('order.*');
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'Made here' }).waitFor();
  const endpoint = (await server.ask('GET', `/api/v1/app/${uid}/endpoint`)).data.find((e) => e.description === 'Made here');
  assert.deepEqual(endpoint.filterTypes, ['order.*']);

  await page.getByRole('button', { name: 'Send test event' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Send', exact: true }).click();
  await page.getByRole('heading', { name: 'svix.ping' }).waitFor();
  await page.getByText('Delivered', { exact: true }).first().waitFor();

  await page.goto(`${server.url}/portal/#/endpoint/${endpoint.id}/secret`);
  await page.getByRole('button', { name: 'Show' }).click();
  const old = (await server.ask('GET', `/api/v1/app/${uid}/endpoint/${endpoint.id}/secret`)).key;
  await page.getByText(old).waitFor();
  await page.getByRole('button', { name: 'Rotate…' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Rotate', exact: true }).click();
  await page.getByText('Signs too, for a while').waitFor();
  assert.notEqual((await server.ask('GET', `/api/v1/app/${uid}/endpoint/${endpoint.id}/secret`)).key, old);

  await page.getByRole('tab', { name: 'Transformation' }).click();
  await page.getByLabel('Script').fill('function handler(webhook) { return webhook');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('It was not saved').waitFor();
  await page.getByLabel('Script').fill('function handler(webhook) { webhook.payload.made = "here"; return webhook; }');
  await page.getByRole('button', { name: 'Try it' }).click();
  await page.getByText('"made": "here"').waitFor();
  await page.getByLabel('In use').check();
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('Saved').waitFor();
  assert.equal((await server.ask('GET', `/api/v1/app/${uid}/endpoint/${endpoint.id}/transformation`)).enabled, true);

  await page.getByRole('button', { name: 'Disable' }).click();
  await page.getByRole('button', { name: 'Enable' }).waitFor();
  assert.equal((await server.ask('GET', `/api/v1/app/${uid}/endpoint/${endpoint.id}`)).disabled, true);
  await page.getByRole('tab', { name: 'Settings' }).click();
  await page.getByRole('button', { name: 'Remove' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Remove' }).click();
  await page.getByRole('heading', { name: 'Endpoints', level: 1 }).waitFor();
  assert.equal((await server.call('GET', `/api/v1/app/${uid}/endpoint/${endpoint.id}`)).status, 404);
  assert.deepEqual(page.wrong, []);
  await page.context().close();
});

test('dead letters are listed, and all that failed is sent again after it was counted', async () => {
  const { uid, path, endpoint } = await failing(undefined, { retrySchedule: [] });
  await server.ask('POST', `/api/v1/app/${uid}/msg`, { eventType: 'order.paid', payload: { n: 2 } });
  await until('dead letters', async () => (await server.ask('GET', `/api/v1/app/${uid}/endpoint/${endpoint.id}/stats`)).dead === 2);
  const page = await opened(uid);
  await page.getByRole('link', { name: /Billing/ }).first().click();
  await page.getByRole('tab', { name: 'Dead letters' }).click();
  await page.getByRole('button', { name: 'Throw away' }).nth(1).waitFor();
  receiver.behaviours.set(path, answers.ok);
  await page.getByRole('button', { name: 'Send all again…' }).click();
  await page.getByText('2 messages').waitFor();
  await page.getByRole('dialog').getByRole('button', { name: 'Send', exact: true }).click();
  await page.getByText('2 queued · 2 delivered').waitFor({ timeout: 20_000 });
  await page.getByRole('tab', { name: 'Dead letters' }).click();
  await page.getByText('No dead letters').waitFor();
  assert.deepEqual(page.wrong, []);
  await page.context().close();
});

test('what an endpoint never got is counted and sent', async () => {
  const { uid } = await failing(answers.ok);
  receiver.behaviours.set('/late', answers.ok);
  await server.ask('POST', `/api/v1/app/${uid}/endpoint`, { url: `${receiver.base}/late`, description: 'Late' });
  const page = await opened(uid);
  await page.getByRole('link', { name: /Late/ }).click();
  await page.getByRole('button', { name: 'Send again…' }).click();
  await page.getByText('0 messages').waitFor();
  assert.ok(await page.getByRole('dialog').getByRole('button', { name: 'Send', exact: true }).isDisabled());
  await page.getByLabel(/never got/).check();
  await page.getByText('1 message', { exact: true }).waitFor();
  await page.getByRole('dialog').getByRole('button', { name: 'Send', exact: true }).click();
  await page.getByText('1 queued · 1 delivered').waitFor({ timeout: 20_000 });
  assert.equal(receiver.deliveries.filter((d) => d.path === '/late').length, 1);
  assert.deepEqual(page.wrong, []);
  await page.context().close();
});

test('it shows what happens while it is open, and keeps what a person has opened', async () => {
  const { uid, path } = await failing(answers.ok);
  const page = await opened(uid);
  await page.getByRole('link', { name: 'Messages' }).click();
  await page.getByRole('link', { name: /order\.paid/ }).first().waitFor();
  await server.ask('POST', `/api/v1/app/${uid}/msg`, { eventType: 'came.meanwhile', payload: {} });
  await page.getByRole('link', { name: /came\.meanwhile/ }).waitFor({ timeout: 15_000 });
  await page.getByRole('link', { name: /came\.meanwhile/ }).click();
  await page.getByText('Attempt 1').click();
  await page.getByText('HTTP 204').waitFor();
  await server.ask('POST', `/api/v1/app/${uid}/msg/${receiver.deliveries.findLast((d) => d.path === path).headers['webhook-id']}/endpoint/${(await server.ask('GET', `/api/v1/app/${uid}/endpoint`)).data[0].id}/resend`, {});
  await page.getByText(/Attempt 2/).waitFor({ timeout: 15_000 });
  assert.equal(await page.locator('details[open]').count(), 1, 'the first is open still');
  assert.deepEqual(page.wrong, []);
  await page.context().close();
});

test('who may only look is shown no button and no secret, and a small screen has no sideways scrolling', async () => {
  const { uid, endpoint, message } = await failing();
  const page = await opened(uid, { readOnly: true }, { viewport: { width: 360, height: 740 }, colorScheme: 'dark' });
  await page.getByText('Read only').waitFor();
  for (const view of ['endpoints', `endpoint/${endpoint.id}`, `endpoint/${endpoint.id}/settings`, 'activity', 'messages', `message/${message.id}`, 'types', 'verify']) {
    await page.goto(`${server.url}/portal/#/${view}`);
    await page.locator('main h1').waitFor();
    for (const name of ['Add endpoint', 'Send test event', 'Send again', 'Send again…', 'Edit', 'Disable', 'Remove'])
      assert.equal(await page.getByRole('button', { name, exact: true }).count(), 0, `${view}: ${name}`);
    assert.equal(await page.getByRole('tab', { name: 'Signing secret' }).count(), 0);
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `${view} is wider than the screen`);
  }
  assert.deepEqual(page.wrong, []);
  await page.context().close();
});

test('a session is kept over a reload, ends with sign out, and a used link says so', async () => {
  const { uid } = await failing();
  const { url, token } = await access(uid);
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.goto(url);
  await page.getByRole('heading', { name: 'Endpoints', level: 1 }).waitFor();
  await page.reload();
  await page.getByRole('heading', { name: 'Endpoints', level: 1 }).waitFor();
  assert.deepEqual(await page.evaluate(() => [localStorage.length, sessionStorage.length, document.cookie]), [0, 0, ''], 'nothing is stored where another page could read it');
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.getByText('You are signed out').waitFor();
  assert.equal((await server.call('GET', `/api/v1/app/${uid}/endpoint`, undefined, { key: token })).status, 401);
  const again = await context.newPage();
  await again.goto(url);
  await again.getByText('opens the portal once').waitFor();
  await again.goto((await access(uid)).url);
  await again.getByRole('heading', { name: 'Endpoints', level: 1 }).waitFor();
  await server.ask('POST', `/api/v1/auth/app/${uid}/expire-all`, {});
  await again.getByText('Your session has ended').waitFor({ timeout: 15_000 });
  await context.close();
});

test('by the keyboard alone: a failed message is found and sent again', async () => {
  const { uid, path } = await failing();
  const page = await opened(uid);
  const reach = async (name) => {
    for (let i = 0; i < 60; ++i) {
      await page.keyboard.press('Tab');
      if (await page.evaluate((n) => document.activeElement?.textContent?.includes(n), name)) return;
    }
    assert.fail(`${name} cannot be reached with Tab`);
  };
  await reach('will be tried again');
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'order.paid' }).waitFor();
  receiver.behaviours.set(path, answers.ok);
  await reach('Send again');
  await page.keyboard.press('Enter');
  await page.getByText('Delivered', { exact: true }).first().waitFor();
  await page.context().close();
});
