/** Names of known software. */
import { z } from 'zod';
import { type Software, softwarePrograms } from './software.ts';

export const softwareSchema = z.enum(Object.keys(softwarePrograms) as [Software, ...Software[]]);
