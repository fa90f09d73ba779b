/** A playbook's parameters have the types that all parameters have. */
export {
  isRequired,
  type Parameter,
  parameterSchema,
  sampleValue,
  valueSchema,
} from '@countersign/protocol/parameter-types';
