import { describe, expect, it } from "vitest";
import { useNewsroom } from "../support/newsroom.ts";

const newsroom = useNewsroom();

describe("creating an article", () => {
  it("needs a headline alone", async () => {
    const answer = await newsroom.editor.post("/v1/articles").send({ headline: "Harbour reopens" });
    expect(answer.status).toBe(201);
    expect(answer.body).toMatchObject({ headline: "Harbour reopens", slug: "harbour-reopens", status: "draft", version: 0 });
    expect(answer.headers.location).toBe(`/v1/articles/${answer.body.id}`);
  });

  it("is refused without a key", async () => {
    const answer = await newsroom.reader.post("/v1/articles").send({ headline: "Harbour reopens" });
    expect(answer.status).toBe(401);
  });
});
