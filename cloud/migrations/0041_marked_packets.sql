-- Packets a line's queue marked instead of dropping (ECN), as its router told; routers of before told of none.
ALTER TABLE line_quality
    ADD COLUMN down_marked_packets bigint NOT NULL DEFAULT 0,
    ADD COLUMN up_marked_packets   bigint NOT NULL DEFAULT 0;
