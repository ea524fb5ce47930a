// A real installation for the tests: `weir` with its private database, an agent, and an ISP made through the REST API.
import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { createSocket } from "node:dgram";
import { createServer } from "node:net";
import { once } from "node:events";
import { readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const here = dirname(fileURLToPath(import.meta.url));
const programs = process.env.WEIR_PROGRAMS ?? join(here, "../../target/debug");
export const artifacts = join(process.env.WEIR_ARTIFACTS ?? join(here, "../../target/artifacts"), "screens");

export const owner = { name: "Lucía Romero", email: "lucia@northwind.example", password: "correct horse battery staple" };
export const newcomer = { ...owner, name: "Tomás Vidal", email: "tomas@fresh.example" };

const children = new Set();
// Whatever happens, nothing we started outlives us.
process.on("exit", () => { for (const child of children) child.kill("SIGKILL"); });

// Waits for an event of the world, with a limit.
export async function until(what, look, seconds = 20) {
  const end = Date.now() + seconds * 1000;
  for (;;) {
    const seen = await look();
    if (seen) return seen;
    if (Date.now() > end) throw new Error(`${what}: not within ${seconds} s`);
    await new Promise((done) => setTimeout(done, 100));
  }
}

function run(name, args, env = {}) {
  const child = spawn(join(programs, name), args, { env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "pipe"] });
  children.add(child);
  child.said = "";
  child.stderr.on("data", (text) => { child.said += text; });
  child.gone = once(child, "exit").then(() => children.delete(child));
  child.on("error", (error) => { child.said += error; });
  return child;
}

async function stop(child) {
  child.kill("SIGTERM");
  const impatience = setTimeout(() => child.kill("SIGKILL"), 20_000);
  await child.gone;
  clearTimeout(impatience);
}

async function freeUdpPort() {
  const socket = createSocket("udp4");
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  const { port } = socket.address();
  socket.close();
  return port;
}

async function freeTcpPort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return port;
}

// The first line a program says, which tells that it is ready.
async function ready(child) {
  const lines = createInterface({ input: child.stdout });
  const [line] = await Promise.race([once(lines, "line"), child.gone.then(() => [""])]);
  return line;
}

export class Installation {
  static async start() {
    const self = new Installation();
    self.folder = join(tmpdir(), `weir-browser-${process.pid}`);
    self.data = join(self.folder, "cloud");
    const [gateway, http, provider] = [await freeUdpPort(), await freeTcpPort(), await freeTcpPort()].map((port) => `127.0.0.1:${port}`);
    self.provider = run("weir-lab", ["provider", "--at", provider]);
    if ((await ready(self.provider)) !== "ready") throw new Error(`the provider did not start: ${self.provider.said}`);
    self.url = `http://${http}`;
    const args = ["all", "--data-dir", self.data, "--http", http, "--public-url", self.url, "--gateway", gateway, "--dev-clock", "--webhooks-private"];
    self.weir = run("weir", args, { WEIR_STRIPE_URL: `http://${provider}` });
    const line = await ready(self.weir);
    if (!line.includes(`http=${http}`)) throw new Error(`weir did not start: ${line} ${self.weir.said}`);
    return self;
  }

  async end() {
    await Promise.all([this.agent, this.weir, this.provider].filter(Boolean).map(stop));
    await rm(this.folder, { recursive: true, force: true });
  }

  async tenant(name, slug, person) {
    const args = ["tenant", "create", "--data-dir", this.data, "--name", name, "--slug", slug, "--currency", "EUR",
      "--time-zone", "Europe/Madrid", "--country", "ES", "--owner-name", person.name, "--owner-email", person.email];
    await promisify(execFile)(join(programs, "weir"), args, { env: { ...process.env, WEIR_OWNER_PASSWORD: person.password } });
  }

  // Says SQL to the installation's private database.
  async sql(text) {
    const args = ["-h", join(this.data, "postgres/run"), "-U", "weir_super", "-d", "weir", "-qX", "-v", "ON_ERROR_STOP=1", "-c", text];
    await promisify(execFile)("psql", args);
  }

  async logIn(person) {
    const { token } = await this.ask("POST", "/api/v1/sessions", { email: person.email, password: person.password });
    this.token = token;
    return token;
  }

  async ask(method, path, body, more = {}) {
    const headers = { "content-type": "application/json", ...more };
    if (this.token) headers.authorization = `Bearer ${this.token}`;
    const answer = await fetch(this.url + path, { method, headers, body: body && JSON.stringify(body) });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
    return text && JSON.parse(text);
  }
  post(path, body = {}) { return this.ask("POST", "/api/v1" + path, body); }
  put(path, body) { return this.ask("PUT", "/api/v1" + path, body); }
  patch(path, body) { return this.ask("PATCH", "/api/v1" + path, body); }
  pay(body) { return this.ask("POST", "/api/v1/payments", body, { "idempotency-key": `${body.account_id} ${body.received_on}` }); }
  get(path) { return this.ask("GET", "/api/v1" + path); }

  // Gives a plugin a version that was built before.
  async upload(plugin, name) {
    const body = await readFile(join(programs, "../plugins", `${name}.wasm`));
    const headers = { "content-type": "application/wasm", authorization: `Bearer ${this.token}` };
    const answer = await fetch(`${this.url}/api/v1/plugins/${plugin}/versions`, { method: "POST", headers, body });
    assert.equal(answer.status, 201, await answer.clone().text());
    return answer.json();
  }

  // Sends a form as a browser does, and tells where it led.
  async submit(url, form) {
    const answer = await fetch(new URL(url, this.url), { method: "POST", body: new URLSearchParams(form), redirect: "manual" });
    assert.equal(answer.status, 303, `${url}: ${await answer.clone().text()}`);
    return answer.headers.get("location");
  }

  async enroll(router) {
    const { token } = await this.post(`/routers/${router}/enrollment-tokens`);
    const args = ["run", "--state-dir", join(this.folder, "agent"), "--run-dir", join(this.folder, "run"), "--southbound", "null", "--token", token];
    this.agent = run("weir-agent", args);
    await until("the agent connects", async () => {
      const { items } = await this.get("/agents");
      return items.some((agent) => agent.connected);
    });
  }

  // Kills the agent as a power cut would.
  async killAgent() {
    this.agent.kill("SIGKILL");
    await this.agent.gone;
    this.agent = null;
  }

  async advance(days) {
    await this.ask("POST", "/dev/clock", { advance_seconds: days * 86_400 });
    await this.logIn(owner);
  }

  async today() {
    const { now } = await this.ask("GET", "/dev/clock");
    return now.slice(0, 10);
  }
}
