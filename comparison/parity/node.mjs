// Prints, as JSON, the request that Chargebee's Node client sends for each of our operations, and the parameters and
// attributes in its typings. The argument is the folder of the client.
import fs from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

const folder = path.resolve(process.argv[2]);
const { default: Chargebee } = await import(pathToFileURL(path.join(folder, 'esm/chargebee.esm.js')));

const methods = {
  CreatePortalSession: ['PortalSession', 'create'],
  RetrievePortalSession: ['PortalSession', 'retrieve'],
  ActivatePortalSession: ['PortalSession', 'activate'],
  LogoutPortalSession: ['PortalSession', 'logout'],
  ListFeatures: ['Feature', 'list'],
  RetrieveFeature: ['Feature', 'retrieve'],
  ListItemEntitlements: ['ItemEntitlement', 'itemEntitlementsForFeature'],
  UpsertOrRemoveItemEntitlements: ['ItemEntitlement', 'addItemEntitlements'],
  ListEntitlements: ['Entitlement', 'list'],
  ManageEntitlements: ['Entitlement', 'create'],
};

// readTypings returns the declarations in a file, without comments.
function readTypings(name) {
  return fs.readFileSync(path.join(folder, 'types', name), 'utf8').replace(/\/\*[^]*?\*\/|\/\/.*/g, '');
}

// readBlock returns the text between the braces of a declaration.
function readBlock(file, declaration) {
  const text = readTypings(file);
  const start = text.indexOf(`export ${declaration} {`);
  if (start < 0) throw new Error(`${file} has no ${declaration}`);
  const open = text.indexOf('{', start);
  let depth = 0;
  for (let i = open; i < text.length; i++) {
    if (text[i] === '{') depth++;
    if (text[i] === '}' && --depth === 0) return text.slice(open + 1, i);
  }
  throw new Error(`${declaration} in ${file} does not end`);
}

// readMembers returns the names and types of the members of an interface.
function readMembers(file, name) {
  const endOfMember = /;(?![^{]*})/;
  return readBlock(file, `interface ${name}`).split(endOfMember).filter((member) => member.trim()).map((member) => {
    const match = member.trim().match(/^(?:(\w+)\??|\[key: .+?\]): *([^]+)$/);
    if (!match) throw new Error(`${name} in ${file} has a member that cannot be parsed: ${member}`);
    return [match[1] ?? 'cf_*', match[2].replace(/\s+/g, ' ').trim()];
  });
}

// leaves yields the path and type of each member of an interface, and of the interfaces of its members.
function* leaves(file, name, parents = []) {
  for (const [member, type] of readMembers(file, name)) {
    const members = [...parents, { name: member, isList: type.endsWith('[]') }];
    const element = type.replace(/\[\]$/, '').replace(/^\w+\./, '');
    const entry = element.match(/^{ (\w+): (\w+) }$/); // of a list
    if (type.startsWith('filter.')) yield* leaves('resources/filter.d.ts', element, members);
    else if (entry) yield* leaves(file, entry[2], [...members, { name: entry[1], isList: false }]);
    else if (/^[A-Z]/.test(element) && !element.endsWith('Enum')) yield* leaves(file, element, members);
    else yield [members, describeType(type)];
  }
}

// describeType returns a type, or the values of an enum.
function describeType(type) {
  const union = type.endsWith('Enum') ? readTypings('core.d.ts').match(new RegExp(`type ${type} =([^;]+);`))[1] : type;
  const values = [...union.matchAll(/'(\w+)'/g)].map(([, value]) => value);
  return values.length > 0 ? `enum ${values.join(' ')}` : type;
}

const nameParam = ([first, ...others]) => first.name + others.map(({ name }) => `[${name}]`).join('');
const nameAttribute = (members) => members.map(({ name, isList }) => name + (isList ? '[]' : '')).join('.');

const newClient = (makeApiRequest) => new Chargebee({ site: 'acme-test', apiKey: 'key', httpClient: { makeApiRequest } });

// sentRequest returns the method and path of the request that a call sends.
async function sentRequest(call) {
  let sent;
  await call(newClient(async ({ method, url }) => {
    sent = `${method} ${decodeURIComponent(new URL(url).pathname)}`;
    return new Response('{}');
  }));
  return sent;
}

// errorAttributes returns the documented attributes that a thrown error has. The typings do not have them.
async function errorAttributes() {
  const contract = JSON.parse(fs.readFileSync(new URL('../../testdata/contract.json', import.meta.url)));
  const names = [...Object.keys(contract.components.schemas.Error.properties), ...contract['x-elsewhere'].error];
  const body = JSON.stringify(Object.fromEntries(names.map((name) => [name, `the ${name}`])));
  const client = newClient(async () => new Response(body, { status: 400 }));
  const error = await client.feature.retrieve('id').catch((thrown) => thrown);
  return Object.fromEntries(names.filter((name) => error[name] === `the ${name}`).map((name) => [name, 'any']));
}

const operations = {};
for (const [operation, [resource, method]] of Object.entries(methods)) {
  const file = `resources/${resource}.d.ts`;
  const signature = new RegExp(`\\b${method}\\(([^)]*)\\): Promise<\\s*ChargebeeResponse<(\\w+)>`);
  const [, args, response] = readBlock(file, `class ${resource}Resource`).match(signature);
  const takesID = /^\s*\w+_id: string/.test(args);
  const [, input] = args.match(/\binput\??: (\w+)/) ?? [];
  const params = input ? [...leaves(file, input)].map(([members, type]) => [nameParam(members), type]) : [];
  const client = resource[0].toLowerCase() + resource.slice(1);
  operations[operation] = {
    method: `${client}.${method}`,
    request: await sentRequest((chargebee) => chargebee[client][method](...(takesID ? ['{id}'] : []))),
    params: Object.fromEntries(params),
    response: Object.fromEntries([...leaves(file, response)].map(([members, type]) => [nameAttribute(members), type])),
  };
}
const { version } = JSON.parse(fs.readFileSync(path.join(folder, 'package.json')));
console.log(JSON.stringify({ version, operations, error: await errorAttributes() }));
