BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0004');
CREATE TABLE cluster (
	id INTEGER NOT NULL, 
	run_id INTEGER NOT NULL, 
	number INTEGER NOT NULL, 
	size INTEGER NOT NULL, 
	PRIMARY KEY (id), 
	FOREIGN KEY(run_id) REFERENCES clusterrun (id) ON DELETE CASCADE
);
INSERT INTO "cluster" VALUES(1,1,1,2);
INSERT INTO "cluster" VALUES(2,1,2,1);
CREATE TABLE clustermember (
	cluster_id INTEGER NOT NULL, 
	face_id INTEGER NOT NULL, 
	PRIMARY KEY (cluster_id, face_id), 
	FOREIGN KEY(cluster_id) REFERENCES cluster (id) ON DELETE CASCADE, 
	FOREIGN KEY(face_id) REFERENCES face (id) ON DELETE CASCADE
);
INSERT INTO "clustermember" VALUES(1,4);
INSERT INTO "clustermember" VALUES(1,5);
INSERT INTO "clustermember" VALUES(2,6);
CREATE TABLE clusterrun (
	id INTEGER NOT NULL, 
	at DATETIME NOT NULL, 
	algorithm VARCHAR(64) NOT NULL, 
	parameters JSON NOT NULL, 
	embedder VARCHAR(64) NOT NULL, 
	faces INTEGER NOT NULL, 
	clusters INTEGER NOT NULL, undone BOOLEAN DEFAULT 0 NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "clusterrun" VALUES(1,'2026-11-26 22:14:47.506621','any','{}','test',8,2,0);
CREATE TABLE crop (
	face_id INTEGER NOT NULL, 
	data BLOB NOT NULL, 
	PRIMARY KEY (face_id), 
	FOREIGN KEY(face_id) REFERENCES face (id) ON DELETE CASCADE
);
INSERT INTO "crop" VALUES(1,X'61204A504547');
INSERT INTO "crop" VALUES(2,X'61204A504547');
INSERT INTO "crop" VALUES(3,X'61204A504547');
INSERT INTO "crop" VALUES(4,X'61204A504547');
INSERT INTO "crop" VALUES(5,X'61204A504547');
INSERT INTO "crop" VALUES(6,X'61204A504547');
INSERT INTO "crop" VALUES(7,X'61204A504547');
INSERT INTO "crop" VALUES(8,X'61204A504547');
CREATE TABLE embedding (
	face_id INTEGER NOT NULL, 
	embedder VARCHAR(64) NOT NULL, 
	vector BLOB NOT NULL, 
	PRIMARY KEY (face_id, embedder), 
	FOREIGN KEY(face_id) REFERENCES face (id) ON DELETE CASCADE
);
INSERT INTO "embedding" VALUES(1,'test',X'00000000000000000000000000000000');
INSERT INTO "embedding" VALUES(2,'test',X'0000803F0000803F0000803F0000803F');
INSERT INTO "embedding" VALUES(3,'test',X'00000040000000400000004000000040');
INSERT INTO "embedding" VALUES(4,'test',X'00004040000040400000404000004040');
INSERT INTO "embedding" VALUES(5,'test',X'00008040000080400000804000008040');
INSERT INTO "embedding" VALUES(6,'test',X'0000A0400000A0400000A0400000A040');
INSERT INTO "embedding" VALUES(7,'test',X'0000C0400000C0400000C0400000C040');
INSERT INTO "embedding" VALUES(8,'test',X'0000E0400000E0400000E0400000E040');
CREATE TABLE event (
	id INTEGER NOT NULL, 
	at DATETIME NOT NULL, 
	actor VARCHAR(100) NOT NULL, 
	kind VARCHAR(32) NOT NULL, 
	summary VARCHAR NOT NULL, 
	changes JSON NOT NULL, 
	undone_at DATETIME, undone_by VARCHAR(100), 
	PRIMARY KEY (id)
);
INSERT INTO "event" VALUES(1,'2026-11-26 22:14:47.559604','program','cluster','Grouped 8 faces into 2 groups','[{"table": "clusterrun", "before": {"undone": true, "id": 1}, "after": {"undone": false, "id": 1}}]',NULL,NULL);
INSERT INTO "event" VALUES(2,'2026-11-26 22:14:47.758982','me','name','Named 3 faces Ada','[{"table": "person", "before": null, "after": {"name": "Ada", "name_key": "ada", "id": 1, "cover_face_id": null, "birth_date": null, "hidden": false, "created_at": "2026-11-26T22:14:47.662711"}}, {"table": "label", "before": null, "after": {"face_id": 1, "person_id": 1, "source": "human", "confidence": 1.0, "at": "2026-11-26T22:14:47.706764"}}, {"table": "label", "before": null, "after": {"face_id": 2, "person_id": 1, "source": "human", "confidence": 1.0, "at": "2026-11-26T22:14:47.706764"}}, {"table": "label", "before": null, "after": {"face_id": 3, "person_id": 1, "source": "human", "confidence": 1.0, "at": "2026-11-26T22:14:47.706764"}}]',NULL,NULL);
INSERT INTO "event" VALUES(3,'2026-11-26 22:14:47.810930','me','name','Named 2 faces Bo','[{"table": "person", "before": null, "after": {"name": "Bo", "name_key": "bo", "id": 2, "cover_face_id": null, "birth_date": null, "hidden": false, "created_at": "2026-11-26T22:14:47.775001"}}, {"table": "label", "before": null, "after": {"face_id": 4, "person_id": 2, "source": "human", "confidence": 1.0, "at": "2026-11-26T22:14:47.790888"}}, {"table": "label", "before": null, "after": {"face_id": 5, "person_id": 2, "source": "human", "confidence": 1.0, "at": "2026-11-26T22:14:47.790888"}}]',NULL,NULL);
INSERT INTO "event" VALUES(4,'2026-11-26 22:14:47.853527','me','reject','Said that 1 face is not Bo','[{"table": "rejection", "before": null, "after": {"face_id": 6, "person_id": 2, "at": "2026-11-26T22:14:47.837797"}}]',NULL,NULL);
INSERT INTO "event" VALUES(5,'2026-11-26 22:14:47.889635','me','flag','Marked 1 face: strangers to ignore','[{"table": "face", "before": {"id": 7, "flag": "none"}, "after": {"id": 7, "flag": "stranger"}}]',NULL,NULL);
INSERT INTO "event" VALUES(6,'2026-11-26 22:14:47.926790','me','name','Named 1 face Cy','[{"table": "person", "before": null, "after": {"name": "Cy", "name_key": "cy", "id": 3, "cover_face_id": null, "birth_date": null, "hidden": false, "created_at": "2026-11-26T22:14:47.903111"}}, {"table": "label", "before": null, "after": {"face_id": 8, "person_id": 3, "source": "human", "confidence": 1.0, "at": "2026-11-26T22:14:47.910366"}}]','2026-11-26 22:14:47.972726','');
INSERT INTO "event" VALUES(7,'2026-11-26 22:14:48.002323','me','cover','Chose a picture for Ada','[{"table": "person", "before": {"birth_date": null, "cover_face_id": null, "name": "Ada", "created_at": "2026-11-26T22:14:47.662711", "id": 1, "name_key": "ada", "hidden": false}, "after": {"birth_date": null, "cover_face_id": 2, "name": "Ada", "created_at": "2026-11-26T22:14:47.662711", "id": 1, "name_key": "ada", "hidden": false}}]',NULL,NULL);
INSERT INTO "event" VALUES(8,'2026-11-26 22:14:48.032669','me','verdict','Two people','[{"table": "verdict", "before": null, "after": {"face_id": 1, "other_id": 6, "same": false, "at": "2026-11-26T22:14:48.022220"}}]',NULL,NULL);
INSERT INTO "event" VALUES(9,'2026-11-26 22:14:48.086698','me','merge','Merged Bo into Ada','[{"table": "person", "before": {"birth_date": null, "cover_face_id": null, "name": "Bo", "created_at": "2026-11-26T22:14:47.775001", "id": 2, "name_key": "bo", "hidden": false}, "after": null}, {"table": "label", "before": {"face_id": 4, "person_id": 2, "source": "human", "confidence": 1.0, "at": "2026-11-26T22:14:47.790888"}, "after": {"face_id": 4, "person_id": 1, "source": "human", "confidence": 1.0, "at": "2026-11-26T22:14:47.790888"}}, {"table": "label", "before": {"face_id": 5, "person_id": 2, "source": "human", "confidence": 1.0, "at": "2026-11-26T22:14:47.790888"}, "after": {"face_id": 5, "person_id": 1, "source": "human", "confidence": 1.0, "at": "2026-11-26T22:14:47.790888"}}, {"table": "rejection", "before": {"face_id": 6, "person_id": 2, "at": "2026-11-26T22:14:47.837797"}, "after": null}, {"table": "rejection", "before": null, "after": {"face_id": 6, "person_id": 1, "at": "2026-11-26T22:14:47.837797"}}]','2026-11-26 22:14:48.193104','');
CREATE TABLE face (
	id INTEGER NOT NULL, 
	photo_id INTEGER NOT NULL, 
	"left" FLOAT NOT NULL, 
	top FLOAT NOT NULL, 
	"right" FLOAT NOT NULL, 
	bottom FLOAT NOT NULL, 
	score FLOAT NOT NULL, 
	landmarks BLOB NOT NULL, 
	quality FLOAT NOT NULL, 
	quality_parts JSON NOT NULL, 
	detector VARCHAR NOT NULL, 
	flag VARCHAR(16) NOT NULL, 
	PRIMARY KEY (id), 
	FOREIGN KEY(photo_id) REFERENCES photo (id) ON DELETE CASCADE
);
INSERT INTO "face" VALUES(1,1,10.0,20.0,50.0,70.0,0.9,X'000000000000803F0000004000004040000080400000A0400000C0400000E0400000004100001041',0.3,'{"size": 0.1, "sharpness": 0.2, "pose": 0.3, "exposure": 0.4}','mmod','none');
INSERT INTO "face" VALUES(2,1,10.0,20.0,50.0,70.0,0.9,X'000000000000803F0000004000004040000080400000A0400000C0400000E0400000004100001041',0.3,'{"size": 0.1, "sharpness": 0.2, "pose": 0.3, "exposure": 0.4}','mmod','none');
INSERT INTO "face" VALUES(3,2,10.0,20.0,50.0,70.0,0.9,X'000000000000803F0000004000004040000080400000A0400000C0400000E0400000004100001041',0.4,'{"size": 0.1, "sharpness": 0.2, "pose": 0.3, "exposure": 0.4}','mmod','none');
INSERT INTO "face" VALUES(4,2,10.0,20.0,50.0,70.0,0.9,X'000000000000803F0000004000004040000080400000A0400000C0400000E0400000004100001041',0.4,'{"size": 0.1, "sharpness": 0.2, "pose": 0.3, "exposure": 0.4}','mmod','none');
INSERT INTO "face" VALUES(5,3,10.0,20.0,50.0,70.0,0.9,X'000000000000803F0000004000004040000080400000A0400000C0400000E0400000004100001041',0.5,'{"size": 0.1, "sharpness": 0.2, "pose": 0.3, "exposure": 0.4}','mmod','none');
INSERT INTO "face" VALUES(6,3,10.0,20.0,50.0,70.0,0.9,X'000000000000803F0000004000004040000080400000A0400000C0400000E0400000004100001041',0.5,'{"size": 0.1, "sharpness": 0.2, "pose": 0.3, "exposure": 0.4}','mmod','none');
INSERT INTO "face" VALUES(7,4,10.0,20.0,50.0,70.0,0.9,X'000000000000803F0000004000004040000080400000A0400000C0400000E0400000004100001041',6.00000000000000088817e-01,'{"size": 0.1, "sharpness": 0.2, "pose": 0.3, "exposure": 0.4}','mmod','stranger');
INSERT INTO "face" VALUES(8,4,10.0,20.0,50.0,70.0,0.9,X'000000000000803F0000004000004040000080400000A0400000C0400000E0400000004100001041',6.00000000000000088817e-01,'{"size": 0.1, "sharpness": 0.2, "pose": 0.3, "exposure": 0.4}','mmod','none');
CREATE TABLE job (
	id INTEGER NOT NULL, 
	kind VARCHAR(32) NOT NULL, 
	params JSON NOT NULL, 
	state VARCHAR(16) NOT NULL, 
	done INTEGER NOT NULL, 
	total INTEGER NOT NULL, 
	message VARCHAR NOT NULL, 
	error VARCHAR, 
	details JSON NOT NULL, 
	result JSON NOT NULL, 
	cancel_requested BOOLEAN NOT NULL, 
	created_at DATETIME NOT NULL, 
	started_at DATETIME, 
	finished_at DATETIME, 
	heartbeat_at DATETIME, 
	PRIMARY KEY (id)
);
CREATE TABLE label (
	face_id INTEGER NOT NULL, 
	person_id INTEGER NOT NULL, 
	source VARCHAR(16) NOT NULL, 
	confidence FLOAT NOT NULL, 
	at DATETIME NOT NULL, 
	PRIMARY KEY (face_id), 
	FOREIGN KEY(face_id) REFERENCES face (id) ON DELETE CASCADE, 
	FOREIGN KEY(person_id) REFERENCES person (id) ON DELETE CASCADE
);
INSERT INTO "label" VALUES(1,1,'human',1.0,'2026-11-26 22:14:47.706764');
INSERT INTO "label" VALUES(2,1,'human',1.0,'2026-11-26 22:14:47.706764');
INSERT INTO "label" VALUES(3,1,'human',1.0,'2026-11-26 22:14:47.706764');
INSERT INTO "label" VALUES(4,2,'human',1.0,'2026-11-26 22:14:47.790888');
INSERT INTO "label" VALUES(5,2,'human',1.0,'2026-11-26 22:14:47.790888');
CREATE TABLE mappoint (
	face_id INTEGER NOT NULL, 
	projector VARCHAR(64) NOT NULL, 
	embedder VARCHAR(64) NOT NULL, 
	x FLOAT NOT NULL, 
	y FLOAT NOT NULL, 
	PRIMARY KEY (face_id, projector, embedder), 
	FOREIGN KEY(face_id) REFERENCES face (id) ON DELETE CASCADE
);
CREATE TABLE person (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	name VARCHAR(100) NOT NULL, 
	name_key VARCHAR(300) NOT NULL, 
	cover_face_id INTEGER, 
	birth_date DATE, 
	hidden BOOLEAN NOT NULL, 
	created_at DATETIME NOT NULL, 
	FOREIGN KEY(cover_face_id) REFERENCES face (id) ON DELETE SET NULL, 
	UNIQUE (name_key)
);
INSERT INTO "person" VALUES(1,'Ada','ada',2,NULL,0,'2026-11-26 22:14:47.662711');
INSERT INTO "person" VALUES(2,'Bo','bo',NULL,NULL,0,'2026-11-26 22:14:47.775001');
CREATE TABLE persontally (
	person_id INTEGER NOT NULL, 
	faces INTEGER NOT NULL, 
	photos INTEGER NOT NULL, 
	best_face_id INTEGER, 
	PRIMARY KEY (person_id), 
	FOREIGN KEY(person_id) REFERENCES person (id) ON DELETE CASCADE
);
CREATE TABLE photo (
	id INTEGER NOT NULL, 
	sha256 VARCHAR(64), 
	path VARCHAR NOT NULL, 
	width INTEGER NOT NULL, 
	height INTEGER NOT NULL, 
	taken_at DATETIME, 
	imported_at DATETIME NOT NULL, 
	status VARCHAR(16) NOT NULL, 
	error VARCHAR, 
	detector VARCHAR NOT NULL, look BLOB, 
	PRIMARY KEY (id), 
	UNIQUE (sha256)
);
INSERT INTO "photo" VALUES(1,'/photos/0.jpg','/photos/0.jpg',640,480,NULL,'2026-11-26 22:14:47.305758','done',NULL,'mmod',X'5F82C2D9CFEB0FA321D7D982F8BD1045B8E8CD4EA93D7D0A1DF04213B6273B04');
INSERT INTO "photo" VALUES(2,'/photos/1.jpg','/photos/1.jpg',640,480,NULL,'2026-11-26 22:14:47.381459','done',NULL,'mmod',X'FFE42279F3BD068366A852C1BB9651F3CD18EC08F6A4E724D26FACD2AEB0DAF2');
INSERT INTO "photo" VALUES(3,'/photos/2.jpg','/photos/2.jpg',640,480,NULL,'2026-11-26 22:14:47.407387','done',NULL,'mmod',X'C1586BD64803F9426471FB1B63EA694C1EB1EF691F1971D0FD6F86739DCD8717');
INSERT INTO "photo" VALUES(4,'/photos/3.jpg','/photos/3.jpg',640,480,NULL,'2026-11-26 22:14:47.445720','done',NULL,'mmod',X'F8C2BECF931AED15F5D3EF2D059D9F3C36EC6D2EC75220CD240786DE39920895');
INSERT INTO "photo" VALUES(5,'/photos/broken.jpg','/photos/broken.jpg',640,480,NULL,'2026-11-26 22:14:47.493549','failed','the file is empty','mmod',NULL);
CREATE TABLE rejection (
	face_id INTEGER NOT NULL, 
	person_id INTEGER NOT NULL, 
	at DATETIME NOT NULL, 
	PRIMARY KEY (face_id, person_id), 
	FOREIGN KEY(face_id) REFERENCES face (id) ON DELETE CASCADE, 
	FOREIGN KEY(person_id) REFERENCES person (id) ON DELETE CASCADE
);
INSERT INTO "rejection" VALUES(6,2,'2026-11-26 22:14:47.837797');
CREATE TABLE "source" (
	path VARCHAR NOT NULL, 
	photo_id INTEGER NOT NULL, 
	size_bytes BIGINT NOT NULL, 
	modified_ns BIGINT NOT NULL, 
	PRIMARY KEY (path), 
	FOREIGN KEY(photo_id) REFERENCES photo (id) ON DELETE CASCADE
);
INSERT INTO "source" VALUES('/photos/0.jpg',1,100,200);
INSERT INTO "source" VALUES('/photos/1.jpg',2,100,200);
INSERT INTO "source" VALUES('/photos/2.jpg',3,100,200);
INSERT INTO "source" VALUES('/photos/3.jpg',4,100,200);
INSERT INTO "source" VALUES('/photos/broken.jpg',5,100,200);
CREATE TABLE trainedmodel (
	id INTEGER NOT NULL, 
	at DATETIME NOT NULL, 
	embedder VARCHAR(64) NOT NULL, 
	classes JSON NOT NULL, 
	metrics JSON NOT NULL, 
	threshold FLOAT NOT NULL, 
	labels JSON NOT NULL, 
	artifact VARCHAR NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "trainedmodel" VALUES(1,'2026-11-26 22:14:48.240277','test','["Ada", "Bo"]','{"tpir": 0.9}',0.5,'{"1": 1}','20261126-221448-ce8e8df0');
CREATE TABLE verdict (
	face_id INTEGER NOT NULL, 
	other_id INTEGER NOT NULL, 
	same BOOLEAN NOT NULL, 
	at DATETIME NOT NULL, 
	PRIMARY KEY (face_id, other_id), 
	FOREIGN KEY(face_id) REFERENCES face (id) ON DELETE CASCADE, 
	FOREIGN KEY(other_id) REFERENCES face (id) ON DELETE CASCADE
);
INSERT INTO "verdict" VALUES(1,6,0,'2026-11-26 22:14:48.022220');
CREATE INDEX ix_event_at ON event (at);
CREATE INDEX ix_job_state ON job (state);
CREATE INDEX ix_photo_path ON photo (path);
CREATE INDEX ix_photo_status ON photo (status);
CREATE INDEX ix_photo_taken_at ON photo (taken_at);
CREATE UNIQUE INDEX ix_cluster_run_number ON cluster (run_id, number);
CREATE INDEX ix_face_photo_id ON face (photo_id);
CREATE INDEX ix_face_quality ON face (quality);
CREATE INDEX ix_clustermember_face_id ON clustermember (face_id);
CREATE INDEX ix_label_person_id ON label (person_id);
CREATE INDEX ix_face_flag_quality ON face (flag, quality);
CREATE INDEX ix_rejection_person_id ON rejection (person_id);
CREATE INDEX ix_source_photo_id ON source (photo_id);
CREATE INDEX ix_label_source_confidence ON label (source, confidence);
CREATE INDEX ix_verdict_other_id ON verdict (other_id);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('person',3);
COMMIT;
