/* Images on the host: a cache of what the controller has, checked, and overlays on it. */
#pragma once

#include "agent/controller.h"
#include "agent/server.h"

#define IMAGE_PATH_SIZE 512

/* Makes sure that the image is in the cache folder, its SHA-512 right; path gets its place. */
bool image_fetch(const struct controller *controller, const char *cache, yyjson_val *image,
		 char path[IMAGE_PATH_SIZE], struct error *err);
bool image_sha512(const char *path, char hex[129], struct error *err);
/* Makes the qcow2 overlay of a server (size in GB; 0: the image's own) unless it is there. */
bool image_overlay(const char *base, yyjson_val *image, int64_t disk_gb, const char *path, struct error *err);
/* The size that a guest sees of a qcow2 of ours, in bytes; 0: it is none. */
int64_t image_disk_size(const char *path);
/* Makes a server's disk (qcow2) so large (GB) unless it is.  The guest must be off. */
bool image_grow(const char *disk, int64_t disk_gb, struct error *err);
/* Removes images from the cache that no server's folder links to and that nobody has asked for since a day
 * (as Nova does by default). */
void images_clean(const char *cache, const char *instances);
