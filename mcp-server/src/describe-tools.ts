/** The tools in the words and schemas that assistants are told, to be compared and hashed. */
import type { Json } from '@countersign/protocol';
import type { StandardSchemaWithJSON } from '@modelcontextprotocol/server';
import { catalogue } from './tools/index.ts';

export interface DescribedTool {
  readonly name: string;
  readonly description: Json;
}

/** All tools by their names: title, description, hints, scope and both schemas. */
export function describeTools(): DescribedTool[] {
  return catalogue.map(({ name, title, description, scope, annotations, inputSchema, outputSchema }) => ({
    name,
    description: {
      ...{ title, description, scope, annotations: { ...annotations } },
      input: advertised(inputSchema),
      output: advertised(outputSchema),
    },
  }));
}

function advertised(schema: StandardSchemaWithJSON<unknown, unknown>): Json {
  const made = schema['~standard'].jsonSchema.input({ target: 'draft-2020-12' });
  return JSON.parse(JSON.stringify(made)) as Json;
}
