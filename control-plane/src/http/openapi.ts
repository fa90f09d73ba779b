/** The OpenAPI 3.1 document, made from the table of operations. */
import { errorBodySchema } from '@countersign/protocol';
import { travelsInBody } from '@countersign/protocol/operator-api/client';
import { type Access, type Operation, operationNamed, operationNames } from '@countersign/protocol/operator-api/index';
import { z } from 'zod';

type Schema = Record<string, unknown>;

const accessWords: Record<Access, string> = {
  public: 'Anybody.',
  read: 'A token, or a signed-in person.',
  request: 'A token with the scope `request`, or a signed-in person.',
  person: 'A signed-in person; never a token.',
  approver: 'A signed-in approver or owner; never a token.',
  owner: 'A signed-in owner; never a token.',
};

/** Makes the document. `publicUrl` is the server that it names. */
export function openApiDocument(publicUrl: string, version: string): Schema {
  const schemas: Record<string, Schema> = { Error: { type: 'object', properties: { error: plain(errorBodySchema) } } };
  const paths: Record<string, Record<string, Schema>> = {};
  for (const name of operationNames) {
    const operation = operationNamed(name);
    const path = `/api/v1${operation.path}`;
    paths[path] = { ...paths[path], [operation.method.toLowerCase()]: describe(name, operation, schemas) };
  }
  return {
    openapi: '3.1.1',
    jsonSchemaDialect: 'https://json-schema.org/draft/2020-12/schema',
    info: {
      title: 'Countersign',
      version,
      description: 'The operator API. Errors have the shape of `Error`; times are ISO 8601 in UTC.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: publicUrl }],
    paths,
    components: {
      schemas,
      securitySchemes: {
        token: { type: 'http', scheme: 'bearer', description: 'A token (csr_…): can read and ask, never decide.' },
        session: { type: 'http', scheme: 'bearer', description: 'A session of the command line (css_…).' },
        cookie: {
          type: 'apiKey',
          in: 'cookie',
          name: '__Host-countersign',
          description: 'A session of the dashboard.',
        },
      },
    },
  };
}

function describe(name: string, operation: Operation, schemas: Record<string, Schema>): Schema {
  const { access, summary, method } = operation;
  const input = hoist(plain(operation.input, 'input'), `${name}Input`, schemas);
  const output = hoist(plain(operation.output), `${name}Output`, schemas);
  const inPath = [...operation.path.matchAll(/\{(\w+)\}/g)].map(([, member]) => member ?? '');
  const members = Object.entries((input.properties ?? {}) as Record<string, Schema>);
  const required = (input.required ?? []) as string[];
  const isObject = (schema: Schema) => schema.type === 'object' || schema.oneOf !== undefined;
  const inBody = members.filter(([name, schema]) => !inPath.includes(name) && travelsInBody(method, isObject(schema)));
  const hasBody = method === 'POST' || method === 'PUT' || inBody.length > 0;
  const body = { ...input, properties: Object.fromEntries(inBody) };
  return {
    operationId: name,
    summary,
    description: accessWords[access],
    security: securityOf(access),
    parameters: members
      .filter(([member]) => !Object.hasOwn(body.properties, member))
      .map(([member, schema]) => ({
        name: member,
        in: inPath.includes(member) ? 'path' : 'query',
        required: inPath.includes(member) || required.includes(member),
        schema,
      })),
    ...(hasBody
      ? {
          requestBody: {
            required: method !== 'DELETE',
            content: json({ ...body, required: required.filter((member) => Object.hasOwn(body.properties, member)) }),
          },
        }
      : {}),
    responses: {
      200: { description: 'Done.', content: json(output) },
      default: { description: 'An error.', content: json({ $ref: '#/components/schemas/Error' }) },
    },
  };
}

function securityOf(access: Access): Schema[] {
  if (access === 'public') return [];
  const person = [{ session: [] }, { cookie: [] }];
  return access === 'read' || access === 'request' ? [{ token: [] }, ...person] : person;
}

const json = (schema: Schema) => ({ 'application/json': { schema } });

function plain(schema: z.ZodType, io: 'input' | 'output' = 'output'): Schema {
  const { $schema, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: 'any' }) as Schema;
  return rest;
}

/** References inside one schema are relative to it; in the document they have to lead to the components. */
function hoist(schema: Schema, prefix: string, schemas: Record<string, Schema>): Schema {
  const { $defs, ...rest } = schema;
  const moved = (value: Schema): Schema =>
    JSON.parse(JSON.stringify(value).replaceAll('"#/$defs/', `"#/components/schemas/${prefix}.`));
  for (const [name, definition] of Object.entries(($defs ?? {}) as Record<string, Schema>))
    schemas[`${prefix}.${name}`] = moved(definition);
  return moved(rest);
}
