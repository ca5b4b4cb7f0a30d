-- What a standby shows is compared with what its primary was given last (src/database/replicas.ts).
-- brief: there is one row
ALTER TABLE "installation" ADD COLUMN "replica_mark" UUID NOT NULL DEFAULT gen_random_uuid();
