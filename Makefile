# Thin: each line calls `cargo xtask`, which says what it does.
export CARGO_TARGET_DIR ?= $(HOME)/.cache/weir/target

.PHONY: demo test test-kernel bench dev setup

demo:
	cargo xtask demo
test:
	cargo xtask test
test-kernel:
	cargo xtask test-kernel
bench:
	cargo xtask bench
dev:
	cargo xtask dev
setup:
	cargo xtask setup
