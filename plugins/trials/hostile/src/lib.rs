//! Does what no plugin should; the setting `do` says what. Only tests run it.

use weir_plugin::{Call, Decimal, Decision, Error, UsageLine};

weir_plugin::rate_usage!(misbehave);

fn misbehave(line: &UsageLine, call: &Call) -> Result<Decision, Error> {
    let what: String = call.required("do")?;
    match what.as_str() {
        "loop" => loop {
            std::hint::black_box(line.blocks);
        },
        "grow" => {
            let mut held = Vec::new();
            loop {
                held.push(vec![1_u8; 1 << 20]);
                std::hint::black_box(&held);
            }
        }
        "panic" => panic!("no rule for {} blocks", line.blocks),
        "trap" => core::arch::wasm32::unreachable(),
        "recurse" => Ok(Decision::price(Decimal::whole(deep(1)), "deep")),
        "huge" => Ok(Decision::price(line.unit_price, "x".repeat(8 << 20))),
        "chatter" => {
            for n in 0..10_000 {
                weir_plugin::info(&format!("line {n} {}", "x".repeat(2_000)));
            }
            Ok(Decision::Unchanged)
        }
        "negative" => Ok(Decision::price(Decimal::whole(0).minus(line.unit_price)?, "we pay you")),
        "dear" => Ok(Decision::price(line.unit_price.times(Decimal::whole(1_000), 6)?, "because")),
        "wide" => Ok(Decision::price(Decimal { hi: i32::MAX, lo: u32::MAX, scale: 0 }, "wide")),
        "nul" => Ok(Decision::price(line.unit_price, "be\0cause")),
        "refuse" => Err(Error::Failed("I do not want to".into())),
        _ => Ok(Decision::Unchanged),
    }
}

fn deep(n: u64) -> u64 {
    let room = std::hint::black_box([n; 64]);
    if n == u64::MAX { 0 } else { deep(n + 1) + room[(n % 64) as usize] }
}
