//! What Northwind sells, and where.

/// A plan with its first version.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Its name.
    pub name: &'static str,
    /// Megabits a second to the subscriber and from them.
    pub rate_mbps: (u64, u64),
    /// A month.
    pub price: &'static str,
    /// Gigabytes a month that are in the price; 0 = all.
    pub allowance_gb: u64,
    /// What is beyond them.
    pub beyond: Beyond,
    /// The price of the second version, if there is one.
    pub later_price: Option<&'static str>,
}

/// What happens when an allowance is used up.
#[derive(Clone, Copy, Debug)]
pub enum Beyond {
    /// Nothing.
    Nothing,
    /// The line goes on at so many megabits a second.
    Slower(u64),
    /// So many gigabytes cost so much.
    Charged(u64, &'static str),
}

/// All plans, the smallest first.
pub const PLANS: [Plan; 4] = [
    Plan {
        name: "Lantern 10",
        rate_mbps: (10, 2),
        price: "19.90",
        allowance_gb: 150,
        beyond: Beyond::Slower(2),
        later_price: None,
    },
    Plan {
        name: "Harbour 20",
        rate_mbps: (20, 5),
        price: "29.90",
        allowance_gb: 400,
        beyond: Beyond::Slower(4),
        later_price: Some("31.90"),
    },
    Plan {
        name: "Beacon 40",
        rate_mbps: (40, 10),
        price: "39.90",
        allowance_gb: 0,
        beyond: Beyond::Nothing,
        later_price: None,
    },
    Plan {
        name: "Pay as you go 8",
        rate_mbps: (8, 2),
        price: "4.90",
        allowance_gb: 10,
        beyond: Beyond::Charged(5, "0.90"),
        later_price: None,
    },
];

/// The plan with the later price.
pub const RAISED: usize = 1;

/// The place where a router stands, its name, and the towns it serves with their postcodes.
#[derive(Clone, Copy, Debug)]
pub struct Site {
    /// The place.
    pub name: &'static str,
    /// Its router.
    pub router: &'static str,
    /// The towns.
    pub towns: [(&'static str, &'static str); 2],
    /// How many of a hundred new subscribers live there.
    pub share: u64,
}

/// All sites; the first one's router is the lab's.
pub const SITES: [Site; 3] = [
    Site { name: "Harbour", router: "edge-1", towns: [("Vigo", "36201"), ("Redondela", "36800")], share: 45 },
    Site { name: "Headland", router: "edge-2", towns: [("Cangas", "36940"), ("Moaña", "36950")], share: 35 },
    Site { name: "Hillside", router: "edge-3", towns: [("Nigrán", "36350"), ("Baiona", "36300")], share: 20 },
];
