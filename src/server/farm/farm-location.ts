import { options, secret, text, type TypeOf } from '../../schema.js';

export const farmLocation = options({
  /**
   * Where jobs stand that several machines share: `redis://host:6379/0` of Redis or Valkey, with `storage`.
   * @default none: jobs are kept in `folder`, and computed here
   */
  queue: secret(text('redis://host:6379/0', { pattern: /^(?:redis|valkey)s?:\/\/\S+$/ })),
  /**
   * Where pictures lie that several machines share: `s3://bucket/prefix`, or a folder that all of them see.
   * @default none
   */
  storage: text('a folder, or s3://bucket/prefix'),
});

/** Where a farm's queue and its pictures are. */
export interface FarmLocation extends Required<TypeOf<typeof farmLocation>> {}
