export interface Row {
  name: string;
  /** What was measured and its yardstick, in `unit`. */
  ours: number;
  yardstick: number;
  unit: string;
  ratio: number;
  /** The least, or with `atMost` the greatest, that the ratio is to be. */
  bar: number;
  atMost?: boolean;
}

const ROW = 34;
const LEFT = 430;
const WIDTH = 400;

/** Draws each ratio as a part of its bar: what reaches the line meets it. */
export function plot(rows: readonly Row[]): string {
  const line = LEFT + WIDTH / 2;
  const bars = rows.map((row, index) => {
    const reached = row.atMost === true ? row.bar / row.ratio : row.ratio / row.bar;
    const length = Math.min(WIDTH, (WIDTH / 2) * reached);
    const y = 20 + index * ROW;
    return `<text x="${LEFT - 10}" y="${y + 15}" text-anchor="end">${escape(row.name)}</text>
<rect x="${LEFT}" y="${y}" width="${length.toFixed(1)}" height="20" fill="${reached >= 1 ? "#2f7d4f" : "#b3392f"}"/>
<text x="${LEFT + length + 8}" y="${y + 15}">${row.ratio.toFixed(2)} (${row.atMost === true ? "≤" : "≥"} ${row.bar})</text>`;
  });
  const height = 30 + rows.length * ROW;
  return `<svg xmlns="http://www.w3.org/2000/svg" width="960" height="${height}" font-family="sans-serif" font-size="13">
<rect width="960" height="${height}" fill="#fff"/>
${bars.join("\n")}
<line x1="${line}" x2="${line}" y1="10" y2="${height - 10}" stroke="#333" stroke-dasharray="4"/>
</svg>
`;
}

function escape(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}
