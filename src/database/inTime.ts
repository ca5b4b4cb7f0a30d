/**
 * What the database says, if it says so soon: what is only told, as figures are, goes without it
 * rather than wait.
 *
 * @param patience in milliseconds
 * @returns undefined when it fails, or takes longer
 */
export function inTime<T>(asked: Promise<T>, patience = 1_000): Promise<T | undefined> {
  const late = new Promise<undefined>((resolve) => {
    setTimeout(resolve, patience, undefined).unref();
  });
  return Promise.race([asked.catch(() => undefined), late]);
}
