// Two small servers of Node, HTTP/1.1 and HTTP/2, with the same answers. Each prints its port when it listens.
import { createHash } from "node:crypto";
import { createServer } from "node:http";
import { createServer as createServer2 } from "node:http2";

const ways = {
  // What was asked, as the server itself reads it.
  "/said": (request, response) => {
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify({ version: request.httpVersion, method: request.method, url: request.url, headers: request.headers }));
  },
  // Every piece back as it comes, and at the end what all of it was.
  "/back": (request, response) => {
    const digest = createHash("sha256");
    response.writeHead(200, { "content-type": "application/octet-stream", trailer: "x-digest" });
    request.on("data", (piece) => {
      digest.update(piece);
      if (!response.write(piece)) {
        request.pause();
        response.once("drain", () => request.resume());
      }
    });
    request.on("end", () => {
      response.addTrailers({ "x-digest": digest.digest("hex") });
      response.end();
    });
  },
  // A hint before the answer.
  "/hint": (request, response) => {
    response.writeEarlyHints({ link: "</style.css>; rel=preload; as=style" });
    response.end("after the hint");
  },
  "/nothing": (request, response) => response.writeHead(204).end(),
  // Half of what it announces, and then the end of the connection or stream.
  "/break": (request, response) => {
    response.writeHead(200, { "content-length": "1000000" });
    response.write("half");
    setImmediate(() => (request.stream ? request.stream.close(2) : request.socket.destroy()));
  },
};

const answer = (request, response) => (ways[request.url.split("?")[0]] ?? ways["/said"])(request, response);

for (const server of [createServer(answer), createServer2(answer)]) {
  server.listen(0, "127.0.0.1");
  await new Promise((listening) => server.once("listening", listening));
  console.log(server.address().port);
}
