-- What agents measure beside the bytes that are billed; NULL = not measured. Never charged for.
ALTER TABLE usage_segments
    ADD COLUMN down_v6_bytes        bigint,
    ADD COLUMN up_v6_bytes          bigint,
    ADD COLUMN down_dropped_packets bigint,
    ADD COLUMN up_dropped_packets   bigint,
    ADD CONSTRAINT usage_segments_v6_is_part_of_what_moved
        CHECK (down_v6_bytes BETWEEN 0 AND down_bytes AND up_v6_bytes BETWEEN 0 AND up_bytes),
    ADD CONSTRAINT usage_segments_drops_are_not_negative CHECK (down_dropped_packets >= 0 AND up_dropped_packets >= 0);
