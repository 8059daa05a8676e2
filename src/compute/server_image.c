/* Images for servers. */
#include "compute/server_image.h"

#include <string.h>

/* The image as the agent gets it (docs/agent-protocol.md).  It is kept with the server: a host must be able
 * to rebuild its state when the image is long gone. */
static const char *image_json(struct http_request *request, const struct image *image, const char **kernel,
			      const char **ramdisk, struct error *err)
{
	yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
	yyjson_mut_val *object = yyjson_mut_obj(doc), *properties;
	const char *text = NULL, *id;
	char *json;

	yyjson_mut_doc_set_root(doc, object);
	yyjson_mut_obj_add_str(doc, object, "id", image->id);
	yyjson_mut_obj_add_str(doc, object, "disk_format", image->disk_format);
	yyjson_mut_obj_add_str(doc, object, "container_format", image->container_format);
	yyjson_mut_obj_add_int(doc, object, "size", image->size);
	yyjson_mut_obj_add_str(doc, object, "checksum", image->checksum);
	yyjson_mut_obj_add_str(doc, object, "sha512", image->sha512);
	properties = yyjson_mut_obj_add_obj(doc, object, "properties");
	if (image_properties(request->db, image->id, doc, properties, err)) {
		json = yyjson_mut_write(doc, YYJSON_WRITE_ALLOW_INVALID_UNICODE, NULL);
		text = http_copy(request, json);
		free(json);
		if (kernel && (id = yyjson_mut_get_str(yyjson_mut_obj_get(properties, "kernel_id"))) && *id)
			*kernel = http_copy(request, id);
		if (ramdisk && (id = yyjson_mut_get_str(yyjson_mut_obj_get(properties, "ramdisk_id"))) && *id)
			*ramdisk = http_copy(request, id);
	}
	yyjson_mut_doc_free(doc);
	return text;
}

static bool image_find(struct http_request *request, const char *id, struct image *image, struct error *err)
{
	bool found =
		schema_text_fits(SCHEMA_UUID, id) && image_load(request->db, id, request->auth, image, err);

	if (!found && err->kind >= ERROR_INTERNAL)
		return false;
	if (!found)
		return error_set(err, ERROR_BAD_REQUEST, "Can not find requested image");
	return strcmp(image->status, "active") == 0 ||
	       error_set(err, ERROR_BAD_REQUEST, "Image %s is not active.", id);
}

static bool image_fits(const struct image *image, const struct flavor *flavor, struct error *err)
{
	int64_t disk = flavor->disk_gb << 30;

	if (image->min_ram_mb > flavor->memory_mb)
		return error_set(err, ERROR_BAD_REQUEST, "Flavor's memory is too small for requested image.");
	if (flavor->disk_gb == 0)
		return true;
	if (image->min_disk_gb > flavor->disk_gb)
		return error_set(
			err, ERROR_BAD_REQUEST,
			"Flavor's disk is smaller than the minimum size specified in image metadata. Flavor "
			"disk is %lld bytes, minimum size is %lld bytes.",
			(long long)disk, (long long)image->min_disk_gb << 30);
	if (image->size > disk)
		return error_set(
			err, ERROR_BAD_REQUEST,
			"Flavor's disk is too small for requested image. Flavor disk is %lld bytes, image "
			"is %lld bytes.",
			(long long)disk, (long long)image->size);
	return true;
}

static bool boot_file(struct http_request *request, const char *id, const char **json, struct error *err)
{
	struct image image;

	if (!id)
		return true;
	if (!image_find(request, id, &image, err))
		return error_wrap(err, "The image's kernel or ramdisk %s", id);
	*json = image_json(request, &image, NULL, NULL, err);
	return *json;
}

bool server_image_find(struct http_request *request, const char *id, const struct flavor *flavor,
		       struct server_image *out, struct error *err)
{
	const char *kernel = NULL, *ramdisk = NULL;

	*out = (struct server_image){0};
	if (!image_find(request, id, &out->image, err) || !image_fits(&out->image, flavor, err))
		return false;
	out->json = image_json(request, &out->image, &kernel, &ramdisk, err);
	return out->json && boot_file(request, kernel, &out->kernel_json, err) &&
	       boot_file(request, ramdisk, &out->ramdisk_json, err);
}
