//! The cloud of a run: the rules in memory, and the product on PostgreSQL beside them where that is asked for.

use crate::account::{Fault, LINES};
use crate::dice::Dice;
use crate::ledger::{Filled, Ledger, Session};
use crate::rules::Rules;
use weir_agent::usage::spool::Epoch;
use weir_protocol::control::{EpochPosition, StreamPosition};
use weir_protocol::hash::Hash;
use weir_protocol::usage::{Down, GapFill};

/// The product in the place of the cloud, answering what the rules in memory are asked.
pub trait Product {
    /// Enrolls the router's agent anew.
    fn enroll(&mut self) -> anyhow::Result<()>;
    /// Opens a session.
    fn open(&mut self, session: Session, offered: &[EpochPosition]) -> anyhow::Result<Option<Vec<StreamPosition>>>;
    /// Applies a record.
    fn apply(&mut self, session: Session, body: &[u8]) -> anyhow::Result<Option<Down>>;
    /// Goes on after records that are gone.
    fn fill(&mut self, session: Session, fill: &GapFill) -> anyhow::Result<Option<Down>>;
    /// Keeps a record that is not to be counted.
    fn quarantine(&mut self, session: Session, body: &[u8]) -> anyhow::Result<Option<Down>>;
    /// Keeps a copy of everything.
    fn backup(&mut self) -> anyhow::Result<()>;
    /// Goes back to the n-th copy, from 1 on.
    fn restore(&mut self, backup: usize) -> anyhow::Result<()>;
    /// Bytes billed by line.
    fn billed(&mut self) -> anyhow::Result<[usize; LINES]>;
}

/// The cloud.
pub struct Cloud {
    ledger: Ledger,
    backups: Vec<Ledger>,
    product: Option<Box<dyn Product>>,
    checked: [usize; LINES],
}

impl Cloud {
    /// A new one.
    pub fn new(rules: Rules, product: Option<Box<dyn Product>>) -> Self {
        Self { ledger: Ledger::new(rules), backups: Vec::new(), product, checked: [0; LINES] }
    }

    /// Enrolls the router's agent anew; answers its number.
    pub fn enroll(&mut self) -> Result<usize, Fault> {
        self.product.as_mut().map_or(Ok(()), |product| product.enroll()).map_err(failed)?;
        Ok(self.ledger.enroll())
    }

    /// Opens a session.
    pub fn open(&mut self, session: Session, offered: &[EpochPosition]) -> Result<Option<Vec<StreamPosition>>, Fault> {
        let streams = self.ledger.open(session, offered);
        if let Some(product) = &mut self.product {
            same(&streams, &product.open(session, offered).map_err(failed)?)?;
        }
        Ok(streams)
    }

    /// Applies a record; `None` if the session is over.
    pub fn apply(&mut self, session: Session, body: &[u8], dice: &mut Dice) -> Result<Option<Down>, Fault> {
        let answer = self.ledger.apply(session, body, dice);
        if let Some(product) = &mut self.product {
            same(&answer, &product.apply(session, body).map_err(failed)?)?;
        }
        Ok(answer)
    }

    /// Goes on after records that are gone; answers as well what stands for them, if anything does. `None` if the session is
    /// over.
    pub fn fill(&mut self, session: Session, fill: &GapFill) -> Result<Option<(Down, Option<Filled>)>, Fault> {
        let answer = self.ledger.fill(session, fill);
        if let Some(product) = &mut self.product {
            let theirs = product.fill(session, fill).map_err(failed)?;
            same(&answer.as_ref().map(|(down, _)| down), &theirs.as_ref())?;
        }
        Ok(answer)
    }

    /// Keeps a record that is not to be counted; `None` if the session is over.
    pub fn quarantine(&mut self, session: Session, body: &[u8]) -> Result<Option<Down>, Fault> {
        let answer = self.ledger.quarantine(session, body);
        if let Some(product) = &mut self.product {
            same(&answer, &product.quarantine(session, body).map_err(failed)?)?;
        }
        Ok(answer)
    }

    /// Keeps a copy of everything; answers how many there are.
    pub fn backup(&mut self) -> Result<usize, Fault> {
        self.product.as_mut().map_or(Ok(()), |product| product.backup()).map_err(failed)?;
        self.backups.push(self.ledger.clone());
        Ok(self.backups.len())
    }

    /// Goes back to the n-th copy, from 1 on.
    pub fn restore(&mut self, backup: usize) -> Result<(), Fault> {
        self.product.as_mut().map_or(Ok(()), |product| product.restore(backup)).map_err(failed)?;
        self.ledger = self.backups[backup - 1].clone();
        Ok(())
    }

    /// Records that had an effect, as often as they had one.
    pub fn effects(&self) -> &[Hash] {
        self.ledger.effects()
    }

    /// Whether an epoch was ever offered, as far as is remembered.
    pub fn knows(&self, epoch: &Epoch) -> bool {
        self.ledger.knows(epoch)
    }

    /// Sees to it that the product bills as many bytes, if that changed.
    pub fn check(&mut self, billed: [usize; LINES]) -> Result<(), Fault> {
        if std::mem::replace(&mut self.checked, billed) == billed {
            return Ok(());
        }
        let product = self.product.as_mut().map(|product| product.billed()).transpose().map_err(failed)?;
        product.map_or(Ok(()), |theirs| same(&billed, &theirs))
    }
}

fn same<T: PartialEq + std::fmt::Debug>(ours: &T, theirs: &T) -> Result<(), Fault> {
    if ours == theirs {
        Ok(())
    } else {
        Err(Fault::Strange(format!("the product says {theirs:?}, the rules {ours:?}")))
    }
}

fn failed(error: anyhow::Error) -> Fault {
    Fault::Strange(format!("{error:#}"))
}
