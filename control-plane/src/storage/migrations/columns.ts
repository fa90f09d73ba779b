/** How migrations write down columns, in few words. */
import type { ColumnDefinitionBuilder, CreateTableBuilder, Kysely } from 'kysely';

export type Schema = Kysely<unknown>;
type Column = ColumnDefinitionBuilder;

export const needed = (column: Column) => column.notNull();
export const key = (column: Column) => column.notNull().primaryKey();
export const to = (target: string) => (column: Column) => column.notNull().references(target);
export const maybeTo = (target: string) => (column: Column) => column.references(target);

/** Adds columns: `name` is text that must be there, `name?` may be null; a type after `:` when it is not text. */
export function columns<T extends string>(table: CreateTableBuilder<T, never>, ...specs: string[]) {
  return specs.reduce((building, spec) => {
    const [, name = '', maybe, type = 'text'] = /^(\w+)(\?)?(?::(\w+))?$/.exec(spec) ?? [];
    return building.addColumn(name as never, type as 'text', maybe ? (column) => column : needed);
  }, table);
}
