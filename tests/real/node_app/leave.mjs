// A visitor by HTTP/2 who gives up one request on a connection and goes on with another:
//   node leave.mjs PORT SERVER_NAME AUTHORITY_FILE down|up HEADERS_IN_JSON
// Says "left" when the first is given up, and then the status of the second.
import { connect, constants } from "node:http2";
import { readFileSync } from "node:fs";

const [port, servername, authority, way, headers] = process.argv.slice(2);
const common = { ":authority": `${servername}:${port}`, ...JSON.parse(headers) };
const session = connect(`https://127.0.0.1:${port}`, { servername, ca: readFileSync(authority) });

const leave = (request) => {
  request.on("error", () => {});
  request.close(constants.NGHTTP2_CANCEL, () => {
    console.log("left");
    const next = session.request({ ":path": "/1000", ...common });
    next.on("response", (answer) => console.log(answer[":status"]));
    next.on("end", () => session.close());
    next.resume();
  });
};

if (way === "down") {
  const request = session.request({ ":path": "/10000000000", ...common });
  request.once("data", () => leave(request));
} else {
  const request = session.request({ ":path": "/", ":method": "PUT", ...common });
  let written = 0;
  const more = () => {
    if (++written < 100) request.write(Buffer.alloc(16384), more);
    else leave(request);
  };
  more();
}
