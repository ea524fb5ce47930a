//! What surrounds every page: tenant, person, language, theme, navigation.
use crate::{assets, i18n};

/// One entry of the navigation; the caller leaves out what the person may not see.
#[derive(Debug, Clone)]
pub struct NavItem {
    /// The address, such as `/sites`.
    pub href: &'static str,
    /// The Fluent key of its name, such as `nav-sites`.
    pub key: &'static str,
    /// The Fluent key of the group it stands in; empty for the first.
    pub group: &'static str,
}

/// Every place of the staff screens, in order.
pub const NAV: [NavItem; 29] = [
    NavItem { href: "/", key: "nav-overview", group: "" },
    NavItem { href: "/analytics", key: "nav-analytics", group: "" },
    NavItem { href: "/subscribers", key: "nav-subscribers", group: "nav-people" },
    NavItem { href: "/subscriptions", key: "nav-subscriptions", group: "nav-people" },
    NavItem { href: "/orders", key: "nav-orders", group: "nav-people" },
    NavItem { href: "/tickets", key: "nav-tickets", group: "nav-people" },
    NavItem { href: "/messages", key: "nav-messages", group: "nav-people" },
    NavItem { href: "/plans", key: "nav-plans", group: "nav-offer" },
    NavItem { href: "/top-up-products", key: "nav-top-ups", group: "nav-offer" },
    NavItem { href: "/boost-products", key: "nav-boosts", group: "nav-offer" },
    NavItem { href: "/invoices", key: "nav-invoices", group: "nav-money" },
    NavItem { href: "/payments", key: "nav-payments", group: "nav-money" },
    NavItem { href: "/bank-statements", key: "nav-bank", group: "nav-money" },
    NavItem { href: "/billing-runs", key: "nav-billing-runs", group: "nav-money" },
    NavItem { href: "/dunning", key: "nav-dunning", group: "nav-money" },
    NavItem { href: "/ledger", key: "nav-ledger", group: "nav-money" },
    NavItem { href: "/tax-rules", key: "nav-taxes", group: "nav-money" },
    NavItem { href: "/sites", key: "nav-sites", group: "nav-network" },
    NavItem { href: "/routers", key: "nav-routers", group: "nav-network" },
    NavItem { href: "/access-points", key: "nav-access-points", group: "nav-network" },
    NavItem { href: "/port-blocks", key: "nav-port-blocks", group: "nav-network" },
    NavItem { href: "/plugins", key: "nav-plugins", group: "nav-programs" },
    NavItem { href: "/api-keys", key: "nav-api-keys", group: "nav-programs" },
    NavItem { href: "/webhooks", key: "nav-webhooks", group: "nav-programs" },
    NavItem { href: "/staff", key: "nav-staff", group: "nav-provider" },
    NavItem { href: "/imports", key: "nav-imports", group: "nav-provider" },
    NavItem { href: "/audit", key: "nav-audit", group: "nav-provider" },
    NavItem { href: "/portal-settings", key: "nav-portal", group: "nav-provider" },
    NavItem { href: "/settings", key: "nav-settings", group: "nav-provider" },
];

/// Groups that stay folded until one of their places is open: nobody comes here every day.
const FOLDED: [&str; 2] = ["nav-programs", "nav-provider"];

/// Places that stand together.
#[derive(Debug)]
pub struct NavGroup<'a> {
    /// The Fluent key of its name; empty for the first.
    pub key: &'static str,
    /// Its places.
    pub items: &'a [NavItem],
    /// Whether its places are in sight.
    pub open: bool,
}

/// A place two keys lead to: `g`, then the letter, or a digit where no letter was left.
#[derive(Debug, Clone, Copy)]
pub struct Way {
    /// The second key.
    pub letter: char,
    /// The address.
    pub href: &'static str,
    /// The Fluent key of its name.
    pub key: &'static str,
}

/// Every way there is.
const WAYS: [Way; 29] = [
    Way { letter: 'o', href: "/", key: "nav-overview" },
    Way { letter: 's', href: "/subscribers", key: "nav-subscribers" },
    Way { letter: 'l', href: "/subscriptions", key: "nav-subscriptions" },
    Way { letter: 'q', href: "/orders", key: "nav-orders" },
    Way { letter: 'k', href: "/tickets", key: "nav-tickets" },
    Way { letter: 'p', href: "/plans", key: "nav-plans" },
    Way { letter: 'e', href: "/messages", key: "nav-messages" },
    Way { letter: 'u', href: "/top-up-products", key: "nav-top-ups" },
    Way { letter: '2', href: "/boost-products", key: "nav-boosts" },
    Way { letter: 'i', href: "/invoices", key: "nav-invoices" },
    Way { letter: 'y', href: "/payments", key: "nav-payments" },
    Way { letter: 'a', href: "/bank-statements", key: "nav-bank" },
    Way { letter: 'b', href: "/billing-runs", key: "nav-billing-runs" },
    Way { letter: 'n', href: "/dunning", key: "nav-dunning" },
    Way { letter: 'd', href: "/ledger", key: "nav-ledger" },
    Way { letter: '3', href: "/tax-rules", key: "nav-taxes" },
    Way { letter: 'm', href: "/analytics", key: "nav-analytics" },
    Way { letter: 't', href: "/sites", key: "nav-sites" },
    Way { letter: 'r', href: "/routers", key: "nav-routers" },
    Way { letter: 'g', href: "/access-points", key: "nav-access-points" },
    Way { letter: '1', href: "/port-blocks", key: "nav-port-blocks" },
    Way { letter: 'x', href: "/plugins", key: "nav-plugins" },
    Way { letter: 'f', href: "/staff", key: "nav-staff" },
    Way { letter: 'z', href: "/api-keys", key: "nav-api-keys" },
    Way { letter: 'w', href: "/webhooks", key: "nav-webhooks" },
    Way { letter: 'v', href: "/imports", key: "nav-imports" },
    Way { letter: 'h', href: "/audit", key: "nav-audit" },
    Way { letter: 'j', href: "/portal-settings", key: "nav-portal" },
    Way { letter: 'c', href: "/settings", key: "nav-settings" },
];

/// The surroundings of a page.
#[derive(Debug, Clone)]
pub struct Frame {
    /// The tenant's name.
    pub tenant: String,
    /// The tenant's hue, 0 to 359.
    pub hue: u16,
    /// The name of the person signed in.
    pub staff: String,
    /// A tag of [`i18n::LANGUAGES`].
    pub lang: &'static str,
    /// `system`, `light` or `dark`.
    pub theme: &'static str,
    /// The `href` of the current entry.
    pub current: &'static str,
    /// The entries this person may open.
    pub nav: Vec<NavItem>,
    /// A message carried over from the last request, already translated.
    pub toast: Option<String>,
    /// Whether single keys are shortcuts for this person.
    pub keys: bool,
    /// The address of what was done to the thing shown, for those who may see it.
    pub history: Option<String>,
    /// Whether to say on every page that the database was put back and routers wait for somebody's word.
    pub restored: bool,
}

impl Frame {
    /// The message `key` in the reader's language.
    #[must_use]
    pub fn t(&self, key: &str) -> String {
        i18n::t(self.lang, key, &[])
    }
    /// The message `key` with one argument.
    #[must_use]
    pub fn t1(&self, key: &str, name: &'static str, value: &str) -> String {
        i18n::t(self.lang, key, &[(name, value)])
    }
    /// The entries by group, in order.
    pub fn groups(&self) -> impl Iterator<Item = NavGroup<'_>> {
        self.nav.chunk_by(|one, next| one.group == next.group).map(|items| {
            let key = items[0].group;
            let open = !FOLDED.contains(&key) || items.iter().any(|item| item.href == self.current);
            NavGroup { key, items, open }
        })
    }
    /// `rtl` for Arabic, else `ltr`.
    #[must_use]
    pub fn dir(&self) -> &'static str {
        if self.lang == "ar" { "rtl" } else { "ltr" }
    }
    /// The ways this person may go.
    #[must_use]
    pub fn ways(&self) -> Vec<Way> {
        WAYS.into_iter().filter(|way| self.nav.iter().any(|item| item.href == way.href)).collect()
    }
    /// The address of an asset.
    #[must_use]
    pub fn asset(&self, name: &str) -> String {
        assets::url(name)
    }
    /// A frame for samples.
    #[must_use]
    pub fn sample(lang: &'static str) -> Self {
        Self {
            tenant: "Northwind Fibre".into(),
            hue: 255,
            staff: "Lucía Romero".into(),
            lang,
            theme: "light",
            current: "/sites",
            nav: NAV.to_vec(),
            toast: None,
            keys: true,
            history: Some("#history".into()),
            restored: false,
        }
    }
}
