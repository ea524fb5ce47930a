// An ISP with something in every state: plans, people, lines, holds, invoices paid for and overdue, routers of all kinds.
import { owner, until } from "./installation.js";
import { dunning, rooms, rules } from "./rooms.js";

const PEOPLE = [
  ["Amara Okafor", "Fibre 500", "Mill Lane 4"], ["Delta Bakery Ltd", "Business 1G", "Harbour Street 12"],
  ["Jonas Lindqvist", "Wireless 50", "Hill Road 9"], ["Noor Haddad", "Fibre 500", "Quay Street 31"],
  ["Hillside School", "Business 1G", "Hill Road 1"], ["Petra Novák", "Fibre 500", "Mill Lane 17"],
];
const NIGHTS = { days: ["monday", "tuesday", "wednesday", "thursday", "friday"], from: "23:00", to: "07:00", rate_down_bps: 80e6, free: true };
const FAIR = { allowance_bytes: 200e9, throttle: { rate_down_bps: 5e6, rate_up_bps: 1e6 }, windows: [NIGHTS] };
const PLANS = [["Fibre 500", 500, 100, "44.90"], ["Business 1G", 1000, 1000, "189.00"], ["Wireless 50", 50, 10, "29.90", FAIR]];

const money = (amount) => ({ amount, currency: "EUR" });

export async function furnish(cloud) {
  await cloud.tenant("Northwind Fibre", "northwind", owner);
  await cloud.logIn(owner);
  // Nobody listens there: messages are written, and put off.
  const server = { host: "127.0.0.1", port: 1, security: "none", from_name: "Northwind Fibre", from_address: "billing@northwind.example" };
  await cloud.put("/message-settings/email", server);
  const harbour = await cloud.post("/sites", { name: "Harbour", address: "Harbour Street 1, Vigo" });
  const mill = await cloud.post("/sites", { name: "Mill Lane mast", address: "Mill Lane 2, Vigo" });
  const wires = { lan_interface: "lan0", wan_interface: "wan0", nat: true };
  const edge = await cloud.post("/routers", { ...wires, name: "edge-harbour-01", site_id: harbour.id, capacity_down_bps: 10e9, capacity_up_bps: 10e9 });
  await cloud.post("/routers", { ...wires, name: "edge-mill-01", site_id: mill.id });
  const versions = new Map();
  for (const [name, down, up, price, more] of PLANS) {
    const plan = await cloud.post("/plans", { name, rate_down_bps: down * 1e6, rate_up_bps: up * 1e6, price: money(price), offered_in_portal: true, ...more });
    versions.set(name, plan.versions[0].id);
  }
  const starts_on = await cloud.today();
  const lines = [];
  for (const [n, [name, plan, line1]] of PEOPLE.entries()) {
    const email = `${name.toLowerCase().normalize("NFD").replace(/[^a-z]+/g, ".")}@example.net`;
    const subscriber = await cloud.post("/subscribers", { name, email, phone: `+34 986 000 10${n}` });
    const account = await cloud.post("/accounts", { subscriber_id: subscriber.id });
    const place = { subscriber_id: subscriber.id, site_id: harbour.id, line1, city: "Vigo", postcode: "36201", country: "ES" };
    const location = await cloud.post("/service-locations", place);
    const sold = await cloud.post("/subscriptions", {
      account_id: account.id, service_location_id: location.id, plan_version_id: versions.get(plan), router_id: edge.id,
      starts_on, prefixes: [`10.20.0.${n + 2}/32`, `2001:db8:${n + 1}::/56`],
    });
    lines.push({ subscriber, account, sold });
  }
  await cloud.enroll(edge.id);
  await rules(cloud, lines[1].account);
  await dunning(cloud);
  const bill = async () => {
    const { id } = await cloud.post("/billing-runs", { as_of: await cloud.today() });
    await until("the billing run ends", async () => (await cloud.get(`/billing-runs/${id}`)).finished_at);
  };
  await bill();
  await cloud.advance(40);
  await bill();
  const { items: invoices } = await cloud.get("/invoices");
  const oldest = invoices.filter((invoice) => invoice.account_id === lines[0].account.id).at(-1);
  await cloud.pay({ account_id: lines[0].account.id, amount: oldest.open, method: "cash", received_on: await cloud.today() });
  await cloud.post("/overdue-checks");
  const topUp = await cloud.post("/top-up-products", { name: "50 GB more", bytes: 50e9, price: money("9.90") });
  await cloud.post(`/subscriptions/${lines[2].sold.id}/top-ups`, { product_id: topUp.id, reference: "at the counter" });
  await cloud.post(`/subscriptions/${lines[2].sold.id}/holds`, { kind: "abuse", effect: "throttled", reason: "Open relay, told by mail" });
  const isp = { lines, edge, harbour, versions, invoices: (await cloud.get("/invoices")).items };
  return { ...isp, more: await rooms(cloud, isp) };
}
