/** The longest that a timer waits, in milliseconds; what lies further ahead is looked at again then. */
const LONGEST = 86_400_000;

/** The moments at which readers will see something else without anybody doing anything. */
export interface Agenda {
  /** Adds moments, in milliseconds since 1970. */
  add: (...moments: number[]) => void;
  /** The next one to come; undefined when nothing is planned. */
  next: () => number | undefined;
  stop: () => void;
}

/** @param onMoment is called at each moment, when it has come */
export function agenda(onMoment: () => void): Agenda {
  let moments: number[] = [];
  let timer: NodeJS.Timeout | undefined;

  const turn = () => {
    const now = Date.now();
    const left = moments.filter((moment) => moment > now);
    if (left.length < moments.length) onMoment();
    moments = left;
    clearTimeout(timer);
    const [next] = moments;
    if (next !== undefined) timer = setTimeout(turn, Math.min(next - now, LONGEST)).unref();
  };

  return {
    add(...added) {
      moments = [...new Set([...moments, ...added])].toSorted((a, b) => a - b);
      turn();
    },
    next() {
      const [next] = moments;
      if (next === undefined || next > Date.now()) return next;
      // The moment has come before its timer has run.
      turn();
      return moments[0];
    },
    stop() {
      clearTimeout(timer);
    },
  };
}
