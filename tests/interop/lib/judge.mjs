// Response schemas of an OpenAPI document, judged by Ajv: a validator that is not ours.
import Ajv from 'ajv';
import Ajv2020 from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';

const escaped = (name) => name.replaceAll('~', '~0').replaceAll('/', '~1');
const pieces = (pointer) => pointer.split('/').slice(1).map((s) => decodeURIComponent(s).replaceAll('~1', '/').replaceAll('~0', '~'));

/// The document with its schemas as JSON Schema says the same. Anything else that looks like a schema is changed too, and nobody looks at it.
function asJsonSchema(tree, version) {
  const old = !version.startsWith('3.1');
  const at = (pointer) => pieces(pointer).reduce((node, step) => node?.[step], tree);
  const writeOnly = (schema) => schema?.writeOnly === true || (typeof schema?.$ref === 'string' && schema.$ref.startsWith('#/') && at(schema.$ref)?.writeOnly === true);
  const walk = (node) => {
    if (Array.isArray(node)) return node.map(walk);
    if (node === null || typeof node !== 'object') return node;
    if (old && typeof node.$ref === 'string') return { $ref: node.$ref }; // what stands beside it means nothing
    const out = {};
    for (const [name, value] of Object.entries(node)) if (!((name === 'id' || (old && name === '$id')) && typeof value === 'string')) out[name] = walk(value);
    for (const [bound, exclusive] of [['minimum', 'exclusiveMinimum'], ['maximum', 'exclusiveMaximum']])
      if (typeof out[exclusive] === 'boolean') {
        if (out[exclusive]) out[exclusive] = out[bound];
        else delete out[exclusive];
      }
    if (out.nullable === true) {
      if (typeof out.type === 'string') out.type = [out.type, 'null'];
      for (const any of ['anyOf', 'oneOf']) if (Array.isArray(out[any]) && out.type === undefined) out[any].push({ type: 'null' });
      if (Array.isArray(out.enum) && !out.enum.includes(null)) out.enum.push(null);
    }
    delete out.nullable;
    // Required, but not in answers.
    if (Array.isArray(out.required) && node.properties) out.required = out.required.filter((name) => !writeOnly(node.properties[name]));
    return out;
  };
  return walk(tree);
}

export class Judge {
  constructor(tree) {
    this.tree = tree;
    const version = String(tree.openapi ?? '2.0');
    this.ajv = new (version.startsWith('3.1') ? Ajv2020 : Ajv)({
      strict: false, validateSchema: false, validateFormats: true, unicodeRegExp: false, inlineRefs: false, allErrors: false, logger: false, addUsedSchema: false,
    });
    addFormats(this.ajv);
    this.ajv.addSchema(asJsonSchema(tree, version), 'doc:/whole');
    this.compiled = new Map();
  }

  /// Follows references from `pointer`, and gives where they lead.
  follow(pointer) {
    for (let hops = 0; hops < 50; ++hops) {
      let node = this.tree;
      let here = '#';
      let jumped = false;
      for (const step of pieces(pointer)) {
        node = node?.[step];
        here += `/${escaped(step)}`;
        if (typeof node?.$ref === 'string' && node.$ref.startsWith('#/')) {
          const rest = pointer.slice(here.length);
          pointer = node.$ref + rest;
          jumped = true;
          break;
        }
      }
      if (!jumped) return { pointer, node };
    }
    throw new Error(`${pointer}: references that never end`);
  }

  /// JSON answers with a 2xx of an operation: { code, type, schema: pointer or undefined }.
  *answers(template, method) {
    const from = `#/paths/${escaped(template)}/${method.toLowerCase()}/responses`;
    const { pointer, node: all } = this.follow(from);
    for (const code of Object.keys(all ?? {})) {
      if (!/^2\d\d$/.test(code) && !(code === 'default' && !Object.keys(all).some((c) => /^2/.test(c)))) continue;
      const response = this.follow(`${pointer}/${code}`);
      for (const type of Object.keys(response.node?.content ?? {}))
        if (/[/+]json(;|$)/.test(type)) {
          const media = this.follow(`${response.pointer}/content/${escaped(type)}`);
          yield { code, type, schema: media.node?.schema === undefined ? undefined : `${media.pointer}/schema` };
        }
      if (response.node?.schema) yield { code, type: 'application/json', schema: `${response.pointer}/schema` }; // Swagger 2.0
    }
  }

  /// What is wrong with `value`, or nothing.
  faults(pointer, value) {
    let check = this.compiled.get(pointer);
    if (!check) {
      check = this.ajv.compile({ $ref: `doc:/whole${encodeURI(pointer)}` });
      this.compiled.set(pointer, check);
    }
    return check(value) ? undefined : this.ajv.errorsText(check.errors);
  }
}
