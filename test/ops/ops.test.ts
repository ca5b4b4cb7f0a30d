import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { parser } from "@prometheus-io/lezer-promql";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { live } from "../support/articles.ts";
import { useNewsroom } from "../support/newsroom.ts";

// The memory answers directly only where rates are unlimited and nothing is logged or traced.
const newsroom = useNewsroom({ LOG_LEVEL: "silent" });
const folder = join(import.meta.dirname, "../../ops");

interface Dashboard {
  panels: { type: string; title: string; id: number; gridPos: object; targets?: { expr: string }[] }[];
}
interface Rules {
  groups: { rules: { alert: string; expr: string; annotations: Record<string, string> }[] }[];
}

const dashboard = JSON.parse(await readFile(join(folder, "dashboard.json"), "utf8")) as Dashboard;
const { groups } = parse(await readFile(join(folder, "alerts.yml"), "utf8")) as Rules;
const rules = groups.flatMap((group) => group.rules);

const expressions = [
  ...dashboard.panels.flatMap(({ title, targets = [] }) =>
    targets.map(({ expr }) => ({ where: title, expr })),
  ),
  ...rules.map(({ alert, expr }) => ({ where: alert, expr })),
];

/** What an expression in PromQL names: metrics, and the labels of each. It throws where it is not well-formed. */
function named(expr: string): { metric: string; labels: string[] }[] {
  // Grafana's variables stand for a span and for a label's value.
  const text = expr.replaceAll("$__rate_interval", "5m").replaceAll("$job", "dateline");
  const found: { metric: string; labels: string[] }[] = [];
  parser.parse(text).iterate({
    enter: ({ type, node, from, to }) => {
      if (type.isError)
        throw new Error(`${text} is not well-formed at ${from}: ${text.slice(from, to + 20)}`);
      if (type.name !== "VectorSelector") return;
      const [metric = ""] = /^\w+/.exec(text.slice(from, to)) ?? [];
      const labels = node.getChild("LabelMatchers")?.getChildren("UnquotedLabelMatcher") ?? [];
      found.push({
        metric,
        labels: labels.map((label) => /^\w+/.exec(text.slice(label.from, label.to))?.[0] ?? ""),
      });
    },
  });
  return found;
}

/** The labels of every metric that /metrics tells, by its name, those of histograms' parts included. */
async function told(): Promise<Map<string, Set<string>>> {
  const { text } = await newsroom.reader.get("/metrics");
  const names = new Map<string, Set<string>>();
  for (const [, type = "", kind] of text.matchAll(/^# TYPE (\w+) (\w+)$/gm)) {
    const parts = kind === "histogram" ? ["_bucket", "_sum", "_count"].map((part) => type + part) : [type];
    for (const part of parts) names.set(part, new Set(["job", "instance"]));
  }
  for (const [, name = "", labels = ""] of text.matchAll(/^(\w+)(?:\{(.*)\})? /gm))
    for (const [, label = ""] of labels.matchAll(/(\w+)="/g)) names.get(name)?.add(label);
  return names;
}

describe("the dashboard and the alert rules", () => {
  it("name no metric and no label that /metrics does not tell", async () => {
    const { id } = await live(newsroom, { headline: "Measured" });
    await newsroom.reader.get(`/v1/articles/${id}`);
    await newsroom.reader.post(`/v1/articles/${id}/shares`).send({ network: "x" });
    await newsroom.editor.post("/v1/webhooks").send({ url: "https://partner.example/" }).expect(201);
    const metrics = await told();
    // Prometheus itself tells it of each target.
    metrics.set("up", new Set(["job", "instance"]));
    for (const { where, expr } of expressions) {
      const selectors = named(expr);
      expect(selectors, where).not.toEqual([]);
      for (const { metric, labels } of selectors) {
        expect([...metrics.keys()], `${where}: ${expr}`).toContain(metric);
        // Those without any sample yet have no labels to be seen.
        if ((metrics.get(metric)?.size ?? 0) > 2)
          expect([...(metrics.get(metric) ?? [])], where).toEqual(expect.arrayContaining(labels));
      }
    }
  });

  it("show every metric of Dateline's own", async () => {
    const shown = new Set(expressions.flatMap(({ expr }) => named(expr).map(({ metric }) => metric)));
    const own = [...(await told()).keys()].filter((name) => name.startsWith("dateline_"));
    const withoutParts = (name: string) => name.replace(/_(bucket|sum|count)$/, "");
    const all = new Set([...shown].map(withoutParts));
    expect(own.filter((name) => !all.has(withoutParts(name)))).toEqual([]);
  });

  it("say of each alert what it means and what to do", () => {
    expect(rules.length).toBeGreaterThan(8);
    expect(new Set(rules.map(({ alert }) => alert)).size).toBe(rules.length);
    for (const { annotations } of rules)
      expect(annotations).toEqual({ summary: expect.any(String), action: expect.any(String) });
  });

  it("lie side by side on the dashboard, each panel once", () => {
    const ids = dashboard.panels.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    const places = dashboard.panels.map(({ gridPos }) => JSON.stringify(gridPos));
    expect(new Set(places).size).toBe(places.length);
  });

  it.for(["sum(rate(x[5m])", "rate(x[5m]", "x{a=}"])("are seen not to be well-formed, as %s is", (expr) => {
    expect(() => named(expr)).toThrow("not well-formed");
  });
});
