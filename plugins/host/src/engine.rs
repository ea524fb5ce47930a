//! The one way code is compiled and run: deterministic, counted, bounded.

use std::hash::{DefaultHasher, Hash, Hasher};

use wasmtime::{Config, Engine, InstanceAllocationStrategy, PoolingAllocationConfig, Strategy};

use crate::limits::MEMORY_BYTES_MAX;

/// The engine of compilers and runners: code of one loads in the other, because they are set alike.
pub(crate) fn engine() -> wasmtime::Result<Engine> {
    Engine::new(&config())
}

/// Names the engine: code compiled by another does not load and is compiled anew.
pub fn fingerprint() -> String {
    let Ok(engine) = engine() else { return String::new() };
    let mut hasher = DefaultHasher::new();
    engine.precompile_compatibility_hash().hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}

fn config() -> Config {
    let mut config = Config::new();
    config.strategy(Strategy::Cranelift);
    config.wasm_component_model(true);
    config.consume_fuel(true);
    // The same answer on every machine.
    config.cranelift_nan_canonicalization(true);
    config.wasm_relaxed_simd(false);
    // Nobody needs these, and what is off cannot be wrong.
    config.wasm_memory64(false);
    config.wasm_tail_call(false);
    config.wasm_wide_arithmetic(false);
    config.max_wasm_stack(512 << 10);
    // One call at a time: a reservation of exactly what may be used keeps the address space small enough to be limited.
    config.memory_reservation(MEMORY_BYTES_MAX as u64);
    config.memory_reservation_for_growth(0);
    config.memory_guard_size(64 << 10);
    config.memory_init_cow(false);
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool()));
    config
}

fn pool() -> PoolingAllocationConfig {
    let mut pool = PoolingAllocationConfig::default();
    pool.total_component_instances(1)
        .total_core_instances(60)
        .total_memories(4)
        .total_tables(60)
        .max_core_instances_per_component(60)
        .max_memories_per_component(4)
        .max_tables_per_component(60)
        .max_component_instance_size(1 << 20)
        .max_core_instance_size(1 << 20)
        .max_memory_size(MEMORY_BYTES_MAX)
        .table_elements(20_000);
    pool
}
