import { describe, expect, test } from "vitest";
import { hubs, invitation, place } from "../../src/place.js";

describe("the address of the page", () => {
  test.each([
    ["http://localhost:5173/", "ws://localhost:5173/ws"],
    ["https://example.com/chat", "wss://example.com/ws"],
    ["https://example.com/chat/", "wss://example.com/ws"],
    ["https://example.com/chat/index.html", "wss://example.com/ws"],
    ["https://example.com/some/where/chat/#lobby", "wss://example.com/some/where/ws"],
    ["https://example.com/some/where/index.html", "wss://example.com/some/where/ws"],
  ])("%s has its hub at %s", (page, hub) => {
    expect(place(page).hub).toBe(hub);
  });

  test("says the hub, a name and a room when it names them", () => {
    expect(place("https://example.com/chat/?hub=wss://hub.example.com/ws&name=anna#tea%20%26%20cake")).toEqual({
      hub: "wss://hub.example.com/ws",
      name: "anna",
      room: "tea & cake",
    });
    expect(place("https://example.com/chat/#%E0%A4%A").room).toBe("");
  });

  test("becomes an invitation without one's own name", () => {
    expect(invitation("https://example.com/chat/?hub=wss://h/ws&name=anna#one", "tea & cake")).toBe(
      "https://example.com/chat/?hub=wss%3A%2F%2Fh%2Fws#tea%20%26%20cake",
    );
  });
});

describe("the box for hubs", () => {
  test("takes one or several", () => {
    expect(hubs(" wss://a/ws , wss://b/ws,", "https:")).toEqual({ urls: ["wss://a/ws", "wss://b/ws"] });
    expect(hubs("ws://localhost:8080/ws", "https:")).toEqual({ urls: ["ws://localhost:8080/ws"] });
  });

  test.each([
    ["", "Where is the hub?"],
    ["hub.example.com", "is no address"],
    ["https://hub.example.com/ws", "begins with"],
    ["wss://hub.example.com/ws#x", "#"],
    ["ws://hub.example.com/ws", "wss://"],
  ])("says what is wrong with %j", (text, problem) => {
    expect(hubs(text, "https:")).toEqual({ problem: expect.stringContaining(problem) });
  });
});
