// The official clients, unmodified: both major versions, since their users have either. What differs between them is named here, once.
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);

export const flavours = [
  {
    name: 'svix 2.5.0',
    load: async () => (await import('svix')).Svix,
    types: 'eventTypes', // the member of an endpoint that holds its event types
    put: 'upsert',
    setHeaders: 'setHeaders',
    featureFlags: true,
  },
  {
    name: 'svix 1.99.1',
    load: async () => require('svix-1').Svix,
    types: 'filterTypes',
    put: 'update',
    setHeaders: 'updateHeaders',
  },
];

/// What the client throws: the status and the body of the answer.
export async function refusal(promise) {
  try {
    await promise;
  } catch (error) {
    if (error.code === undefined || error.body === undefined) throw error;
    return { status: error.code, body: error.body };
  }
  throw new Error('was not refused');
}
