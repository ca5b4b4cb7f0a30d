import { SingleBar } from "cli-progress";
import type { Progress } from "../imports/entries.ts";

export interface ProgressBar {
  show: (progress: Progress) => void;
  /** Takes it away; nothing when it is away already. */
  stop: () => void;
}

/** How long an import takes before it is worth a bar, in milliseconds. */
const WORTH = 500;

/**
 * Shows on a terminal how far an import is: first what is read of the file, then what is written of
 * its articles. Nothing where standard error is no terminal.
 *
 * @param size the file's, in bytes
 */
export function progressBar(size: number): ProgressBar {
  const bar = new SingleBar({
    format: "{phase} {bar} {percentage} % | {eta_formatted} left",
    stream: process.stderr,
    clearOnComplete: true,
    hideCursor: true,
    fps: 5,
  });
  const begun = Date.now();
  let phase: Progress["phase"] | undefined;
  const stop = () => {
    if (phase !== undefined) bar.stop();
    phase = undefined;
  };
  return {
    stop,
    show({ phase: now, done, total = size }) {
      if (!process.stderr.isTTY || Date.now() - begun < WORTH) return;
      if (now !== phase) {
        stop();
        bar.start(total, done, { phase: now });
        phase = now;
      } else bar.update(done);
    },
  };
}
