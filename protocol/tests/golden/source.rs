//! Where the values of a sample come from: counting up for golden bytes, arbitrary for properties.

/// Gives values.
pub trait Source {
    /// The next number.
    fn number(&mut self) -> u64;
    /// How long the next text, byte string or list is.
    fn length(&mut self) -> usize;
}

/// 1, 2, 3, ...: every field differs from its default and from its neighbours.
#[derive(Default)]
pub struct Counting(u64);

impl Source for Counting {
    fn number(&mut self) -> u64 {
        self.0 += 1;
        self.0
    }

    fn length(&mut self) -> usize {
        2
    }
}

/// Whatever the bytes say; zeros when they end.
pub struct Arbitrary<'a>(pub &'a [u8]);

impl Source for Arbitrary<'_> {
    fn number(&mut self) -> u64 {
        // The first byte tells how many follow, so that small numbers and the greatest are both common.
        let width = usize::from(self.byte() % 9);
        (0..width).fold(0, |number, _| number << 8 | u64::from(self.byte()))
    }

    fn length(&mut self) -> usize {
        usize::from(self.byte() % 4)
    }
}

impl Arbitrary<'_> {
    fn byte(&mut self) -> u8 {
        let (first, rest) = self.0.split_first().unwrap_or((&0, &[]));
        self.0 = rest;
        *first
    }
}

/// What a source can make.
pub trait Sample {
    /// Makes one.
    fn sample(source: &mut dyn Source) -> Self;
}

impl Sample for u64 {
    fn sample(source: &mut dyn Source) -> Self {
        source.number()
    }
}

impl Sample for u32 {
    fn sample(source: &mut dyn Source) -> Self {
        source.number() as u32
    }
}

/// Enumerations travel as numbers, also those this revision does not know.
impl Sample for i32 {
    fn sample(source: &mut dyn Source) -> Self {
        source.number() as i32
    }
}

impl Sample for u8 {
    fn sample(source: &mut dyn Source) -> Self {
        source.number() as u8
    }
}

impl Sample for bool {
    fn sample(source: &mut dyn Source) -> Self {
        source.number() > 0
    }
}

impl Sample for String {
    fn sample(source: &mut dyn Source) -> Self {
        (0..source.length()).map(|_| format!("é{}", source.number())).collect()
    }
}

impl<T: Sample> Sample for Vec<T> {
    fn sample(source: &mut dyn Source) -> Self {
        (0..source.length()).map(|_| T::sample(source)).collect()
    }
}

impl<T: Sample> Sample for Option<T> {
    fn sample(source: &mut dyn Source) -> Self {
        (source.length() > 0).then(|| T::sample(source))
    }
}

impl<T: Sample> Sample for Box<T> {
    fn sample(source: &mut dyn Source) -> Self {
        Self::new(T::sample(source))
    }
}
