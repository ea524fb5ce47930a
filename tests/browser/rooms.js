// Something in every room of the ISP: tickets, mail, orders, cards, bank, rules, programs, lists, staff.
import { until } from "./installation.js";

const base64 = (text) => Buffer.from(text).toString("base64");
const money = (amount) => ({ amount, currency: "EUR" });

// Two rules: one sets prices, the other leaves a note when somebody important is walled off.
export async function rules(cloud, account) {
  for (const [name, hook, settings] of [
    ["night-owl", "rate-usage", { entries: { percent: "50" }, limit_percent: 50 }],
    ["vip-overdue", "handle-event", { entries: { accounts: account.id, text: "Call the bakery before anything else happens." }, limit_percent: 50, effects: ["note"] }],
  ]) {
    const plugin = await cloud.post("/plugins", { name, hook });
    const version = await cloud.upload(plugin.id, name);
    await cloud.post(`/plugin-versions/${version.id}/dry-run`);
    await cloud.put(`/plugins/${plugin.id}/settings`, settings);
    await cloud.post(`/plugins/${plugin.id}/activate`, { digest: version.digest });
  }
}

export async function dunning(cloud) {
  const fee = { flat: money("5.00") };
  const steps = [
    { kind: "remind", offset_days: -3 }, { kind: "remind", offset_days: 3 }, { kind: "late_fee", offset_days: 8, fee },
    { kind: "throttle", offset_days: 10 }, { kind: "walled_garden", offset_days: 14 }, { kind: "final_notice", offset_days: 30 },
  ];
  const policy = { steps, from_hour: 0, to_hour: 24, holidays: ["2026-12-25"], rest_days: "sunday", retries: { soft: [3, 7] } };
  await cloud.put("/dunning-policy", { policy, based_on: 0 });
}

export async function rooms(cloud, isp) {
  await cloud.patch("/tenant", { bank_iban: "ES9121000418450200051332", contact: "Call 986 000 100." });
  const more = [...await promises(cloud), ...await tickets(cloud, isp)];
  await messages(cloud);
  await orders(cloud, isp);
  await cards(cloud, isp);
  await bank(cloud, isp);
  await programs(cloud);
  await lists(cloud);
  await cloud.post("/staff-invitations", { name: "Noor Haddad", email: "noor@northwind.example", role: "support" });
  // What says more than the first of its kind.
  const jonas = isp.lines[2].sold.id;
  return [...more, `/subscriptions/${jonas}`, `/subscriptions/${jonas}/top-ups`, `/accounts/${isp.lines[5].account.id}`];
}

async function promises(cloud) {
  const cases = (await cloud.get("/dunning-cases")).items.filter((one) => !one.closed_at);
  const soon = new Date(Date.parse(await cloud.today()) + 5 * 86_400_000).toISOString().slice(0, 10);
  await cloud.post(`/dunning-cases/${cases[0].id}/promises`, { amount: money("20.00"), promised_on: soon, note: "Paid on Friday" });
  await cloud.post(`/dunning-cases/${cases[1].id}/pause`, { until_on: soon, reason: "Disputed" });
  return [`/dunning-cases/${cases[0].id}`, `/dunning-cases/${cases[1].id}`];
}

async function tickets(cloud, { lines, edge }) {
  const me = await cloud.get("/me");
  const [amara, bakery, jonas] = lines;
  const log = { name: "traceroute.txt", content_base64: base64("1 192.0.2.1 2 ms\n2 198.51.100.9 48 ms\n") };
  const wishes = [
    { title: "Slow evenings, Mill Lane", body: "Since Monday the line is slow from eight to eleven.", impact: "one_line", subscription_id: jonas.sold.id, assignee_id: me.id },
    { title: "No Internet at the bakery", body: "The tills are offline.", impact: "one_line", subscription_id: bakery.sold.id, priority: "urgent" },
    { title: "Harbour: power works on Sunday", body: "Told by the port.", impact: "site", router_id: edge.id },
    { title: "Why is my bill higher?", body: "I pay 44.90 otherwise.", impact: "question", account_id: amara.account.id },
  ];
  const opened = [];
  for (const wish of wishes) opened.push(await cloud.post("/tickets", wish));
  await cloud.post(`/tickets/${opened[0].id}/entries`, { kind: "note", body: "The mast's uplink was full on Tuesday.", attachments: [log] });
  await cloud.post(`/tickets/${opened[0].id}/entries`, { kind: "reply", body: "We move you to the other sector tomorrow.", status: "waiting" });
  await cloud.post(`/tickets/${opened[3].id}/entries`, { kind: "reply", body: "It holds the days of your move.", status: "solved" });
  const { url } = await cloud.put("/support-mailbox", { address: "support@northwind.example" });
  const mail = "From: Stranger <stranger@example.org>\r\nTo: support@northwind.example\r\nSubject: Do you serve Quay Street?\r\nMessage-ID: <1@example.org>\r\n\r\nWe move there in spring.\r\n";
  const path = url.slice(url.indexOf("/inbound"));
  const brought = await fetch(cloud.url + path, { method: "POST", headers: { "content-type": "message/rfc822" }, body: mail });
  if (!brought.ok) throw new Error(`a message was not taken: ${await brought.text()}`);
  return [`/tickets/${opened[0].id}`];
}

async function messages(cloud) {
  const sms = { url: "http://127.0.0.1:1/sms", method: "POST", type: "json", header: "", body: '{"to":"{to}","text":"{text}"}' };
  await cloud.put("/message-settings/sms", sms);
  const subject = { language: "en", subject: "Your invoice from Northwind", intro: "Good to have you with us." };
  await cloud.patch("/message-templates/invoice-issued", { wordings: [subject] });
}

async function orders(cloud, { versions }) {
  await cloud.patch("/portal-settings", { sign_up: true, how_to_pay: "By transfer, or at Harbour Street 1." });
  const { address } = await cloud.get("/portal-settings");
  const path = `${address.slice(address.indexOf("/portal/"))}/sign-up`;
  const wish = { plan_version_id: versions.get("Fibre 500"), line1: "Quay Street 8", city: "Vigo" };
  for (const name of ["Ines Prado", "Omar Said"]) {
    await cloud.submit(path, { ...wish, name, email: `${name.split(" ")[0].toLowerCase()}@example.net` });
  }
  const { items } = await cloud.get("/orders");
  await cloud.post(`/orders/${items[1].id}/decline`, { reason: "Outside our area" });
}

// One pays by card and leaves it for later, another's page is still open.
async function cards(cloud, { lines }) {
  await cloud.patch("/payment-provider", { secret_key: "sk_test_1", webhook_secret: "whsec_1", enabled: true });
  const { page_url: url } = await cloud.post("/payment-pages", { account_id: lines[5].account.id, keep_method: true });
  await cloud.submit(url, { number: "4242424242424242" });
  const { items: [attempt] } = await cloud.get("/payment-attempts");
  await cloud.post(`/payment-attempts/${attempt.id}/look`);
  await cloud.post("/payment-pages", { account_id: lines[3].account.id });
  const { items: payments } = await cloud.get("/payments");
  const path = `/api/v1/payments/${payments.at(-1).id}/refunds`;
  await cloud.ask("POST", path, { amount: money("1.00"), reason: "A day without service" }, { "idempotency-key": "refund" });
}

async function bank(cloud, { lines, invoices }) {
  const bakery = invoices.find((invoice) => invoice.account_id === lines[1].account.id);
  const columns = { booked_on: "date", amount: "amount", payer: "payer", remittance: "text", date_format: "%Y-%m-%d", decimal_mark: ".", separator: "," };
  const day = await cloud.today();
  const content = `date,amount,payer,text\n${day},${bakery.open.amount},Delta Bakery Ltd,${bakery.number}\n${day},44.90,N Haddad,rent\n${day},12.00,Unknown,\n`;
  const file = await cloud.post("/bank-files", { name: "november.csv", content, columns });
  await cloud.post(`/bank-files/${file.id}/import`);
  await cloud.post("/bank-files", { name: "december.csv", content: content.replace("12.00", "13.00"), columns });
}

async function programs(cloud) {
  await cloud.post("/api-keys", { name: "Bookkeeping", scopes: ["view-billing"] });
  // Nobody listens there: what happens waits to be told.
  const hook = await cloud.post("/webhooks", { url: "http://127.0.0.1:1/outages", description: "The map of outages", kinds: ["hold.placed", "ticket.opened"] });
  await cloud.post(`/webhooks/${hook.id}/test`);
}

async function lists(cloud) {
  const bring = async (name, csv, start) => {
    const { id } = await cloud.post("/imports", { name, csv });
    const checked = () => until(`${name} is read`, async () => !["checking", "importing"].includes((await cloud.get(`/imports/${id}`)).status));
    await checked();
    if (start) await cloud.post(`/imports/${id}/start`).then(checked);
  };
  await bring("harbour.csv", "name,street,city,country\nAda Byron,Hill 1,Vigo,ES\nBea Lund,Hill 2,Vigo,ES\n", true);
  await bring("hills.csv", "name,street,city,country,e-mail\nCem Ak,Hill 3,Vigo,ES,cem@example.net\n,Hill 4,Vigo,ES,nobody\n");
}
