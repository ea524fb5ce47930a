//! Who lives through the year, and what they are like.

use super::plans::{PLANS, SITES};
use crate::dice::Dice;
use chrono::{Days, NaiveDate};

/// Those the lab has hosts for, in the order of its lines.
pub const FOUNDERS: [&str; 12] = [
    "Ada Ferreira",
    "Bruno Castelo",
    "Chloe Marchetti",
    "Diego Sanjuan",
    "Eira Lindqvist",
    "Farid Naciri",
    "Greta Oswald",
    "Hugo Baptista",
    "Iria Loureiro",
    "Jonas Keller",
    "Kasia Nowak",
    "Leo Fontana",
];

const GIVEN: [&str; 32] = [
    "Alba", "Antón", "Aroa", "Brais", "Carme", "Daniel", "Elena", "Fátima", "Gael", "Helena", "Iago", "Inés", "João",
    "Karim", "Laura", "Lois", "Lucía", "Manuel", "Marta", "Mateo", "Nadia", "Noa", "Olivia", "Pedro", "Rosa", "Sabela",
    "Samir", "Teresa", "Uxía", "Vera", "Xoel", "Zoe",
];

const FAMILY: [&str; 36] = [
    "Abreu",
    "Alonso",
    "Barreiro",
    "Blanco",
    "Cabral",
    "Castro",
    "Costa",
    "Domínguez",
    "Estévez",
    "Fontán",
    "Freire",
    "García",
    "Gómez",
    "Haddad",
    "Iglesias",
    "Lago",
    "Lemos",
    "López",
    "Martínez",
    "Moreira",
    "Novoa",
    "Otero",
    "Pazos",
    "Pereira",
    "Prado",
    "Quintela",
    "Rey",
    "Ribeiro",
    "Rocha",
    "Santos",
    "Seoane",
    "Silva",
    "Soto",
    "Torres",
    "Varela",
    "Vidal",
];

const STREETS: [&str; 10] = [
    "Rúa do Porto",
    "Rúa da Ribeira",
    "Avenida do Mar",
    "Camiño do Faro",
    "Rúa Nova",
    "Praza Maior",
    "Rúa das Redes",
    "Travesía da Fonte",
    "Rúa do Sol",
    "Estrada da Costa",
];

/// How somebody pays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Payer {
    /// By a card that is charged by itself.
    Card,
    /// By a transfer their bank makes on the due day.
    OnDueDay,
    /// By transfer, so many days after the invoice.
    Transfer(u64),
    /// In cash at the counter, so many days after the invoice.
    Cash(u64),
    /// By transfer, so many days after the due day; in some months.
    Late(u64),
    /// No longer, from a day in the year.
    Stops(NaiveDate),
}

/// A subscriber.
#[derive(Clone, Debug)]
pub struct Person {
    /// From 0.
    pub number: usize,
    /// Their name.
    pub name: String,
    /// Their address.
    pub email: String,
    /// Their number.
    pub phone: String,
    /// Street and number.
    pub street: String,
    /// Town and postcode.
    pub town: (&'static str, &'static str),
    /// Index of the site that serves them.
    pub site: usize,
    /// Addresses of the line.
    pub prefixes: [String; 2],
    /// Day of the month their periods begin.
    pub billing_day: u32,
    /// Index of the plan they begin with.
    pub plan: usize,
    /// First day of the line.
    pub joined_on: NaiveDate,
    /// The first day they are no longer served.
    pub leaves_on: Option<NaiveDate>,
    /// How they pay.
    pub payer: Payer,
    /// Bytes on an ordinary day.
    pub daily_bytes: u64,
    /// Whether they buy more when their allowance is used up.
    pub buys_more: bool,
    /// The line of the lab they have.
    pub lab_line: Option<u8>,
}

/// Makes people with names nobody else has and addresses of their own.
pub struct Census {
    seed: u64,
    end: NaiveDate,
    lines: [u16; SITES.len()],
    made: usize,
}

impl Census {
    /// Nobody yet.
    pub fn new(seed: u64, end: NaiveDate) -> Self {
        Self { seed, end, lines: [0; SITES.len()], made: 0 }
    }

    /// The next person, who joins on a day; the first ones have the lines of the lab.
    pub fn next(&mut self, joined_on: NaiveDate, lab_lines: u8) -> Person {
        let number = self.made;
        self.made += 1;
        let mut dice = Dice::of(self.seed, "person", number);
        let lab_line = u8::try_from(number + 1).ok().filter(|line| *line <= lab_lines);
        let shares: [(usize, u64); SITES.len()] = std::array::from_fn(|site| (site, SITES[site].share));
        let site = if lab_line.is_some() { 0 } else { dice.weighted(&shares) };
        let line = &mut self.lines[site];
        *line += 1;
        let name = name(number);
        let plan = match lab_line {
            Some(line) => usize::from(line - 1) % PLANS.len(),
            None => dice.weighted(&[(0, 34), (1, 38), (2, 20), (3, 8)]),
        };
        let (street, door) = (dice.pick(&STREETS), dice.between(1, 140));
        Person {
            number,
            email: address(&name),
            phone: format!("+34 6{:08}", 10_000_000 + number * 7_919),
            street: format!("{street} {door}"),
            town: *dice.pick(&SITES[site].towns),
            site,
            prefixes: prefixes(site, *line),
            billing_day: dice.weighted(&[(1, 70), (10, 15), (20, 15)]),
            plan,
            joined_on,
            leaves_on: None,
            payer: if lab_line.is_some() { Payer::Transfer(dice.between(2, 9)) } else { self.payer(&mut dice) },
            daily_bytes: appetite(&mut dice, plan),
            buys_more: dice.percent(45),
            lab_line,
            name,
        }
    }

    fn payer(&self, dice: &mut Dice) -> Payer {
        let days = dice.between(1, 12);
        let stops_on = self.end - Days::new(dice.between(20, 330));
        let all = [
            (Payer::Card, 24),
            (Payer::OnDueDay, 24),
            (Payer::Transfer(days), 23),
            (Payer::Cash(days), 14),
            (Payer::Late(dice.between(2, 24)), 12),
            (Payer::Stops(stops_on), 3),
        ];
        dice.weighted(&all)
    }
}

/// Names by number: founders first, then every pair of a given and a family name once.
fn name(number: usize) -> String {
    match FOUNDERS.get(number) {
        Some(name) => (*name).to_owned(),
        None => {
            let pair = number * 355 % (GIVEN.len() * FAMILY.len());
            format!("{} {}", GIVEN[pair % GIVEN.len()], FAMILY[pair / GIVEN.len()])
        }
    }
}

fn address(name: &str) -> String {
    let plain = |letter: char| match letter {
        'á' | 'ã' | 'â' => 'a',
        'é' | 'ê' => 'e',
        'í' => 'i',
        'ó' | 'ô' | 'õ' => 'o',
        'ú' => 'u',
        'ñ' => 'n',
        ' ' => '.',
        other => other,
    };
    format!("{}@example.net", name.to_lowercase().chars().map(plain).collect::<String>())
}

/// The first site's lines are numbered as the lab's are.
fn prefixes(site: usize, line: u16) -> [String; 2] {
    let (row, host) = (line / 200, line % 200 + 1);
    let v6 = if row == 0 { "2001:db8:1".to_owned() } else { format!("2001:db8:{}", 1 + row * 16) };
    match site {
        0 => [format!("10.20.{row}.{host}/32"), format!("{v6}:{:x}::/56", (line % 200) << 8)],
        _ => [
            format!("10.{}.{row}.{host}/32", 20 + site),
            format!("2001:db8:{site}{row:02x}0:{:x}::/56", (line % 200) << 8),
        ],
    }
}

/// Most use little, a few a lot; who pays more uses more.
fn appetite(dice: &mut Dice, plan: usize) -> u64 {
    const MEGABYTE: u64 = 1_000_000;
    let usual = [2_800, 6_500, 13_000, 350][plan] * MEGABYTE;
    let share = dice.weighted(&[(25, 18), (55, 27), (90, 25), (135, 16), (200, 9), (330, 5)]);
    usual * (share + dice.below(20)) / 100
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn nobody_has_what_another_has() {
        let end = NaiveDate::from_ymd_opt(2026, 11, 1).expect("a day");
        let mut census = Census::new(1, end);
        let people: Vec<_> = (0..700).map(|_| census.next(end, 8)).collect();
        let own: [fn(&Person) -> &str; 3] = [|one| &one.name, |one| &one.email, |one| &one.phone];
        for own in own {
            assert_eq!(people.iter().map(own).collect::<BTreeSet<_>>().len(), people.len());
        }
        let prefixes: BTreeSet<_> = people.iter().flat_map(|one| one.prefixes.clone()).collect();
        assert_eq!(prefixes.len(), people.len() * 2);
        assert_eq!(people[2].prefixes, ["10.20.0.4/32", "2001:db8:1:300::/56"], "as the lab's third subscriber");
    }
}
