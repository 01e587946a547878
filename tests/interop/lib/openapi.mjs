// An OpenAPI document read our own way, so that what a test expects does not come from the server under test.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';
import { root } from './server.mjs';

export const specs = process.env.HOURGLASS_SPECS ?? path.join(root, '../shared/specs');

export function specText(name) {
  const file = path.join(specs, name);
  return existsSync(file) ? readFileSync(file, 'utf8') : undefined;
}

const methods = ['get', 'put', 'post', 'delete', 'options', 'head', 'patch', 'trace'];

export class Document {
  constructor(text) {
    this.tree = parse(text);
  }

  deref(node) {
    for (let hops = 0; node?.$ref !== undefined; ++hops) {
      assert.ok(hops < 50, 'a reference that never ends');
      const [, ...steps] = node.$ref.split('/').map((s) => s.replaceAll('~1', '/').replaceAll('~0', '~'));
      const { $ref, ...beside } = node;
      const target = steps.reduce((at, step) => at[step], this.tree);
      node = { ...target, ...beside }; // 3.1 lets keywords stand beside a reference
    }
    return node;
  }

  *operations() {
    for (const [template, item] of Object.entries(this.tree.paths))
      for (const method of methods)
        if (item[method]) {
          const parameters = [...(item.parameters ?? []), ...(item[method].parameters ?? [])].map((p) => this.deref(p));
          yield { template, method: method.toUpperCase(), operation: item[method], parameters, base: this.baseOf(item[method].servers ?? item.servers) };
        }
  }

  /// The path of the document's first server is part of every path, as it is for the real API.
  get base() {
    return this.baseOf();
  }

  /// The same where a path or an operation has servers of its own.
  baseOf(own) {
    const [server] = own?.length > 0 ? own : (this.tree.servers ?? []);
    if (server === undefined) return (this.tree.basePath ?? '').replace(/\/$/, '');
    const url = server.url.replaceAll(/\{([^}]+)\}/g, (_, name) => server.variables?.[name]?.default ?? name);
    return new URL(url, 'http://relative').pathname.replace(/\/$/, '');
  }

  /// A path with something for every parameter in it.
  pathFor({ template, parameters }, base = this.base) {
    return base + template.replaceAll(/\{([^}]+)\}/g, (_, name) => {
      const parameter = parameters.find((p) => p.in === 'path' && p.name === name);
      const schema = this.deref(parameter?.schema) ?? {};
      const example = parameter?.example ?? schema.example;
      return encodeURIComponent(example ?? (schema.type === 'integer' ? 7 : 'something'));
    });
  }

  requestTypes(operation) {
    return Object.keys(this.deref(operation.requestBody)?.content ?? {});
  }

  /// Status and contents of the answer a mock gives unasked: the lowest 2xx, else `default` as 200.
  success(operation) {
    const codes = Object.keys(operation.responses).filter((code) => /^2/.test(code)).sort();
    const code = codes[0] ?? 'default';
    return { status: /^\d+$/.test(code) ? Number(code) : 200, content: this.deref(operation.responses[code]).content ?? {} };
  }

  /// The example that stands at a media type itself: { value } or undefined.
  exampleOf(media) {
    if (media.example !== undefined) return { value: media.example };
    const first = Object.values(media.examples ?? {})[0];
    return first === undefined ? undefined : { value: this.deref(first).value };
  }

  /// Checks a value that was made of a schema: right types, and every example of the schema where it belongs.
  check(schema, value, where, depth = 0) {
    schema = this.deref(schema);
    if (!schema || depth > 20) return;
    if (schema.example !== undefined) return assert.deepEqual(value, schema.example, `${where}: the schema's example`);
    for (const part of schema.allOf ?? []) this.check(part, value, where, depth + 1);
    if (schema.enum) assert.ok(schema.enum.includes(value), `${where}: ${JSON.stringify(value)} is not in the enum`);
    if (schema.properties) {
      assert.ok(value !== null && typeof value === 'object' && !Array.isArray(value), `${where}: must be an object`);
      for (const [name, property] of Object.entries(schema.properties)) {
        if (schema.required?.includes(name) || this.hasExample(property)) assert.ok(name in value, `${where}/${name} is missing`);
        if (name in value) this.check(property, value[name], `${where}/${name}`, depth + 1);
      }
    }
    const type = Array.isArray(schema.type) ? schema.type[0] : schema.type;
    if (type === 'array') {
      assert.ok(Array.isArray(value), `${where}: must be an array`);
      assert.ok(value.length > 0, `${where}: an empty array shows nothing`);
      value.forEach((item, i) => this.check(schema.items, item, `${where}/${i}`, depth + 1));
    }
    if (type === 'integer') assert.ok(Number.isInteger(value), `${where}: must be an integer`);
    if (type === 'number') assert.equal(typeof value, 'number', where);
    if (type === 'string') assert.equal(typeof value, 'string', where);
    if (type === 'boolean') assert.equal(typeof value, 'boolean', where);
  }

  hasExample(schema) {
    return this.deref(schema)?.example !== undefined;
  }
}
