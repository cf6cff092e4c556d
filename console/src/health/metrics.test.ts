import { describe, expect, test } from "vitest";
import { parse, quantile, rise, sum } from "./metrics";

const TEXT = `# HELP x_total What is counted.
# TYPE x_total counter
x_total{method="GET",route="/a b{c}",status="200"} 3
x_total{method="POST",route="say \\"hi\\"\\\\\\n",status="500"} 1.5e1
up 1
wide{le="+Inf"} +Inf
`;

test("samples have their labels and values, and comments are passed over", () => {
  const found = parse(TEXT);
  expect([...found.keys()]).toEqual(["x_total", "up", "wide"]);
  expect(found.get("x_total")).toEqual([
    { labels: { method: "GET", route: "/a b{c}", status: "200" }, value: 3 },
    { labels: { method: "POST", route: 'say "hi"\\\n', status: "500" }, value: 15 },
  ]);
  expect(found.get("wide")).toEqual([{ labels: { le: "+Inf" }, value: Infinity }]);
});

test("a sum is of those samples that are picked", () => {
  const found = parse(TEXT);
  expect(sum(found, "x_total")).toBe(18);
  expect(sum(found, "x_total", ({ status }) => status === "500")).toBe(15);
  expect(sum(found, "none")).toBeNull();
});

test("a counter that begins anew has no rise", () => {
  expect(rise(3, 5)).toBe(2);
  expect(rise(5, 3)).toBeNull();
  expect(rise(null, 3)).toBeNull();
});

describe("a quantile", () => {
  const scrape = (...counts: number[]) =>
    parse([0.1, 0.5, 1, "+Inf"].map((le, at) => `h_bucket{le="${le}"} ${counts[at]}`).join("\n"));
  const before = scrape(10, 10, 10, 10);

  test.each([
    [0.5, [20, 20, 20, 20], 0.05],
    [0.5, [10, 20, 20, 20], 0.3],
    [0.99, [10, 20, 20, 20], 0.496],
    [0.5, [15, 15, 20, 20], 0.1],
    [0.99, [10, 10, 10, 20], 1],
  ])("%f of the increase to %j is %f", (q, counts, expected) => {
    expect(quantile(before, scrape(...counts), "h", q)).toBeCloseTo(expected);
  });

  test("of nothing is nothing, as is one over a restart", () => {
    expect(quantile(before, before, "h", 0.5)).toBeNull();
    expect(quantile(before, scrape(1, 1, 1, 1), "h", 0.5)).toBeNull();
    expect(quantile(before, before, "none", 0.5)).toBeNull();
  });
});
