import { connect } from "node:net";

/** Sends bytes as they are and reads until the server closes the connection. */
export async function sendBytes(
  url: string,
  bytes: string | Buffer,
): Promise<{ status: number; head: string; body: string }> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  let text = "";
  socket.on("data", (chunk: Buffer) => (text += chunk.toString()));
  // Whoever is refused early may find the connection gone while still writing.
  socket.on("error", () => undefined);
  socket.write(bytes);
  await new Promise((resolve) => {
    socket.once("close", resolve);
  });
  const [head = "", ...rest] = text.split("\r\n\r\n");
  return { status: Number(/^HTTP\/1\.1 (\d{3})/.exec(head)?.[1]), head, body: rest.join("\r\n\r\n") };
}
