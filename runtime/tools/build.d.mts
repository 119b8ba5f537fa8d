/** Bundles the programs if a source changed; resolves to what was written, in bytes by file name. */
export function build(): Promise<Readonly<Record<string, number>>>;
