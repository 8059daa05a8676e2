/* Within the image room: what its files share. */
#pragma once

#include "image/image.h"

enum { ROUTE_PUBLIC = 1 }; /* a route's flag: no token needed */

#define IMAGE_LIST_DEFAULT   25
#define IMAGE_LIST_MAX	     1000
#define IMAGE_PROPERTY_QUOTA 128
#define IMAGE_TAG_QUOTA	     128
#define IMAGE_NAME_SIZE	     255   /* characters of a name, a tag or a property's name */
#define IMAGE_VALUE_SIZE     65535 /* bytes of a property's value */

struct image_settings {
	char *folder;	  /* of the images' bytes */
	int64_t size_cap; /* bytes that one image may have */
};
extern struct image_settings image_settings;

/* --- record.c: an image's row --- */

/* Texts live in the request's memory. */
struct image_record {
	const char *id, *name, *status, *visibility, *owner, *disk_format, *container_format, *checksum,
		*sha512;
	int64_t size, virtual_size; /* -1: not known */
	int64_t min_disk, min_ram, created_at, updated_at;
	bool is_protected, is_hidden;
};

#define IMAGE_COLUMNS \
	"i.id, i.name, i.status, i.visibility, i.owner, i.disk_format, i.container_format, i.checksum, " \
	"i.sha512, " \
	"i.size, i.virtual_size, i.min_disk, i.min_ram, i.created_at, i.updated_at, i.protected, i.hidden"

void image_record_read(struct http_request *request, struct store_rows *rows, struct image_record *record);
/* An image that the requester may see; else 404 "No image found with ID ...". */
bool image_record_load(struct http_request *request, const char *id, struct image_record *record,
		       struct error *err);
/* The same, and the requester may change it; else 403 that names the policy `action`, e.g. "modify_image". */
bool image_record_load_own(struct http_request *request, const char *id, const char *action,
			   struct image_record *record, struct error *err);
/* Writes all fields back, updated_at with the clock's time. */
bool image_record_save(struct http_request *request, struct image_record *record, struct error *err);
/* 403 that names the policy, false. */
bool image_forbidden(const char *action, struct error *err);
/* The members of an image as its APIs show it. */
bool image_record_view(struct http_request *request, yyjson_mut_doc *doc, yyjson_mut_val *object,
		       const struct image_record *record, struct error *err);

/* --- field.c: what may be said of an image --- */

/* Sets one member, as POST and PATCH give it: checks type, size, permission.  Properties and tags are written
 * to the database at once, the rest to the record. */
bool image_field_set(struct http_request *request, struct image_record *record, const char *name,
		     yyjson_val *value, struct error *err);
/* PATCH remove. */
bool image_field_remove(struct http_request *request, const struct image_record *record, const char *name,
			struct error *err);
bool image_property_exists(struct http_request *request, const char *image_id, const char *name, bool *exists,
			   struct error *err);
/* Is it one of Glance's own members (not an additional property)? */
bool image_field_is_base(const char *name);
bool image_tag_add(struct http_request *request, const char *image_id, const char *tag, struct error *err);
http_handler image_schema, image_schema_list;

/* --- disk.c: the bytes --- */

char *image_path(const char *id, const char *suffix); /* freed by the caller */
bool image_id_is_valid(const char *id);		      /* a UUID: nothing else becomes a path */
/* Removes the bytes when the transaction is committed (or undone: `when_committed` false). */
void image_unlink_on_end(struct store *db, const char *id, bool when_committed);

/* --- upload.c --- */

extern const struct http_upload image_upload;
http_handler image_upload_prepare, image_upload_finish;
/* The same for whoever may send the bytes without being the image's owner: begins, brings to disk
 * (image_upload_prepare), and says active.  `record` NULL: the image is gone. */
bool image_upload_start(struct http_request *request, const struct image_record *record, struct error *err);
const char *image_upload_sha512(const struct http_request *request); /* after image_upload_prepare() */
bool image_upload_settle(struct http_request *request, struct image_record *record, struct error *err);
/* Are its bytes coming in right now? */
bool image_is_saving(const char *id);

/* --- the other handlers --- */

/* 204, with the content type that Glance gives to nothing. */
void image_no_content(struct http_response *response);

http_handler image_create, image_show, image_delete, image_patch, image_list, image_download, image_tag_put,
	image_tag_delete, image_deactivate, image_reactivate, image_import_info, image_stores_info,
	image_versions, image_versions_choice;
http_handler image_member_list, image_member_add, image_member_show, image_member_update, image_member_remove,
	image_member_schema, image_member_schema_list;
