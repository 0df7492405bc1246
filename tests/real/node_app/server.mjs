// Two small servers of Node, HTTP/1.1 and HTTP/2, with the same answers: node server.mjs PORT PORT2 HOST
import { createHash } from "node:crypto";
import { createServer } from "node:http";
import { createServer as createServer2 } from "node:http2";

let served = 0;
let well = true;

const ways = {
  // What was asked, as the server itself reads it.
  "/said": (request, response) => {
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify({
      pid: process.pid, version: request.httpVersion, method: request.method, url: request.url, headers: request.headers,
    }));
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
  "/hang-up": (request) => (request.stream ? request.stream.close(2) : request.socket.destroy()),
  // Half of what it announces, and then the end of the connection or stream.
  "/break": (request, response) => {
    response.writeHead(200, { "content-length": "1000000" });
    response.write("half");
    setImmediate(() => (request.stream ? request.stream.close(2) : request.socket.destroy()));
  },
};

// What a test asks for directly, and health checks.
const asides = {
  "/served": (response) => response.end(String(served)),
  "/healthz": (response) => response.writeHead(well ? 200 : 503).end(),
  "/sicken": (response) => response.end(String((well = false))),
  "/recover": (response) => response.end(String((well = true))),
};

const answer = (request, response) => {
  const path = request.url.split("?")[0];
  if (asides[path]) return asides[path](response);
  served += 1;
  (ways[path] ?? ways["/said"])(request, response);
};

const [port, port2, host] = process.argv.slice(2);
createServer(answer).listen(port, host);
createServer2(answer).listen(port2, host);
