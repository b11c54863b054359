import { expect, test } from "vitest";
import { HUES, hue, initials, nameProblem } from "../../src/names.js";

test.each(["anna", "größer 你好 🚀", "a,b", "x".repeat(128), "...", "👩‍👩".replace("\u200d", "")])("%j is a name", (name) => {
  expect(nameProblem(name)).toBeUndefined();
});

test.each(["", ".", "..", "a/b", "a\nb", "a\u200bb", "\u202ea", "x".repeat(129), "ü".repeat(65), "\u3164"])("%j is none", (name) => {
  expect(nameProblem(name)).toEqual(expect.any(String));
});

test("two letters stand for a name", () => {
  expect(["anna", "anna berta", "anna-b", "🚀", "", "é"].map(initials)).toEqual(["AN", "AB", "AB", "🚀", "?", "É"]);
});

test("a name always has the same hue", () => {
  const hues = Array.from({ length: 500 }, (_, n) => hue(`${n * 7_919} person ${n}`));
  expect(hues.every((one) => Number.isInteger(one) && one >= 0 && one < HUES)).toBe(true);
  expect(new Set(hues).size).toBe(HUES);
  expect(hue("anna")).toBe(hue("anna"));
});
