// An ISP as its subscribers know it, and a subscriber with a phone: what the portal's tests happen in.
import assert from "node:assert/strict";
import { Person, accessible, sticksOut } from "./browser.js";
import { owner, until } from "./installation.js";

export const PHONE = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true };
const PASSWORD = "four words are enough";
const WIDTHS = [390, 320];
const GB = 1e9;
const money = (amount) => ({ amount, currency: "EUR" });

const PLANS = [
  ["Fibre 100", 100, 20, "29.90"], ["Fibre 500", 500, 100, "44.90"],
  ["Wireless 50", 50, 10, "24.90", { allowance_bytes: 200 * GB, throttle: { rate_down_bps: 5e6, rate_up_bps: 1e6 } }],
  ["Night 20", 20, 5, "9.90", { offered_in_portal: false }],
];
// Who: the plan, where, the volume a day, how many bills are paid.
const PEOPLE = [
  ["Amara Okafor", "Wireless 50", "Mill Lane 4", 6 * GB, 1],
  ["Jonas Lindqvist", "Fibre 100", "Hill Road 9", 2 * GB, 0],
  ["Noor Haddad", "Fibre 500", "Quay Street 31", 14 * GB, 9],
];

export async function furnish(cloud) {
  await cloud.tenant("Northwind Fibre", "northwind", owner);
  await cloud.logIn(owner);
  await cloud.patch("/tenant", {
    hue: 165, contact: "help@northwind.example, +34 986 000 100", tax_name: "IVA", tax_rate_percent: "21",
    bank_holder: "Northwind Fibre S.L.", bank_iban: "ES9121000418450200051332", bank_bic: "CAIXESBBXXX",
  });
  await cloud.patch("/portal-settings", { sign_up: true, how_to_pay: "Cash at the counter: Harbour Street 1, Monday to Friday, 9 to 14." });
  await cloud.patch("/payment-provider", { publishable_key: "pk_test_1", secret_key: "sk_test_1", webhook_secret: "whsec_test", enabled: true });
  const site = await cloud.post("/sites", { name: "Harbour", address: "Harbour Street 1, Vigo" });
  const router = await cloud.post("/routers", { name: "edge-harbour-01", site_id: site.id, lan_interface: "lan0", wan_interface: "wan0" });
  const versions = new Map();
  for (const [name, down, up, price, more] of PLANS) {
    const plan = await cloud.post("/plans", { name, rate_down_bps: down * 1e6, rate_up_bps: up * 1e6, price: money(price), offered_in_portal: true, ...more });
    versions.set(name, plan.versions[0].id);
  }
  const starts_on = await cloud.today();
  const people = [];
  for (const [n, [name, plan, line1, daily, pays]] of PEOPLE.entries()) {
    const email = `${name.split(" ")[0].toLowerCase()}@example.net`;
    const subscriber = await cloud.post("/subscribers", { name, email, phone: `+34 986 000 10${n}` });
    const account = await cloud.post("/accounts", { subscriber_id: subscriber.id });
    const place = { subscriber_id: subscriber.id, site_id: site.id, line1, city: "Vigo", postcode: "36201", country: "ES" };
    const location = await cloud.post("/service-locations", place);
    const line = await cloud.post("/subscriptions", {
      account_id: account.id, service_location_id: location.id, plan_version_id: versions.get(plan), router_id: router.id,
      starts_on, prefixes: [`10.20.0.${n + 2}/32`],
    });
    people.push({ name, email, subscriber, account, line, daily, pays, password: PASSWORD });
  }
  await cloud.enroll(router.id);
  await bill(cloud);
  await traffic(cloud, people, starts_on, 44);
  await cloud.advance(44);
  await bill(cloud);
  const received_on = await cloud.today();
  for (const { account, pays } of people) {
    const { items } = await cloud.get(`/invoices?account_id=${account.id}`);
    for (const { id, open } of items.reverse().filter(({ open }) => Number(open.amount) > 0).slice(0, pays)) {
      const payment = { account_id: account.id, amount: open, method: "cash", received_on };
      await cloud.ask("POST", "/api/v1/payments", payment, { "idempotency-key": id });
    }
  }
  await cloud.post("/overdue-checks");
  const settings = await cloud.get("/portal-settings");
  return { people, base: new URL(settings.address).pathname };
}

async function bill(cloud) {
  const { id } = await cloud.post("/billing-runs", { as_of: await cloud.today() });
  await until("the billing run ends", async () => (await cloud.get(`/billing-runs/${id}`)).finished_at);
}

// What routers would have counted: a record a day and line, of the days the clock is about to jump over.
async function traffic(cloud, people, from, days) {
  const { items: [agent] } = await cloud.get("/agents");
  const ids = (id) => id.replace(/^.*_/, "");
  const tenant = `(SELECT tenant_id FROM agents WHERE id = '${ids(agent.id)}')`;
  const lines = people.map(({ line, daily }, n) => `('${ids(line.id)}'::uuid, ${daily}::bigint, ${n})`).join(",");
  await cloud.sql(`
    INSERT INTO usage_epochs (tenant_id, agent_id, epoch, applied_seq, applied_hash, opened_at)
      VALUES (${tenant}, '${ids(agent.id)}', '12345678', 1000000, '0123456789abcdef', now());
    CREATE TEMPORARY TABLE counted AS
      SELECT row_number() OVER () AS seq, day + interval '12 hours' AS ended, line, n + 1 AS handle,
        (daily * (0.6 + 0.4 * sin(extract(doy FROM day) * (n + 2))))::bigint AS bytes
      FROM generate_series('${from}'::timestamptz, '${from}'::timestamptz + interval '${days - 1} days', '1 day') day, (VALUES ${lines}) p (line, daily, n);
    INSERT INTO usage_records (tenant_id, agent_id, epoch, seq, hash, start_at, end_at, seal_reason, body, received_at)
      SELECT ${tenant}, '${ids(agent.id)}', '12345678', seq, '', ended - interval '5 minutes', ended, 'interval', '', ended FROM counted;
    INSERT INTO usage_segments (tenant_id, agent_id, epoch, seq, handle, subscription_id, start_at, end_at, down_bytes, up_bytes, down_packets, up_packets)
      SELECT ${tenant}, '${ids(agent.id)}', '12345678', seq, handle, line, ended - interval '5 minutes', ended, bytes, bytes / 8, 1, 1 FROM counted;`);
}

// A subscriber's phone. With a person, it is signed in.
export class Phone extends Person {
  static async open(world, person, options = {}) {
    const self = await super.open(world.browser, world.cloud.url, null, { ...PHONE, ...options });
    self.base = world.isp.base;
    if (person) await self.signIn(person);
    return self;
  }
  at(path) { return this.base + path; }
  async signIn({ email, password }) {
    const answer = await this.context.request.post(this.at("/sign-in"), { form: { email, password }, maxRedirects: 0 });
    assert.equal(answer.status(), 303, await answer.text());
  }
  async speak(language) {
    const answer = await this.context.request.post(this.at("/language"), { form: { language, back: this.base }, maxRedirects: 0 });
    assert.equal(answer.status(), 303);
  }
}

// The path of a fresh link that sets a subscriber's password, as staff make it.
export async function passwordLink(cloud, { subscriber }) {
  const { link } = await cloud.post(`/subscribers/${subscriber.id}/portal-link`);
  return new URL(link).pathname;
}

// What is shown reads well on a phone: one h1, a title, no fault by axe, everything within the screen.
export async function reads(page, what, fits = true) {
  const headings = await page.locator("h1").allInnerTexts();
  assert.equal(headings.length, 1, `${what}: h1: ${headings}`);
  assert.ok(headings[0].trim() && (await page.title()).trim(), `${what}: an empty heading or title`);
  await accessible(page, what);
  for (const width of fits ? WIDTHS : []) {
    await page.setViewportSize({ width, height: 844 });
    assert.deepEqual(await sticksOut(page), [], `${what} at ${width} px`);
  }
  await page.setViewportSize(PHONE.viewport);
}
