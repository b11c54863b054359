package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	cri "k8s.io/cri-api/pkg/apis/runtime/v1"
)

const runtimeSocket = "unix:///run/containerd/containerd.sock"

// The two of crictl's commands that a kind node is asked for: `inspecti IMAGE` (by `kind load`) and `images` (by people).
func crictl(arguments []string) error {
	connection, err := grpc.NewClient(runtimeSocket, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return fmt.Errorf("connect to containerd: %w", err)
	}
	defer connection.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	images := cri.NewImageServiceClient(connection)
	switch {
	case len(arguments) > 1 && arguments[0] == "inspecti":
		return inspect(ctx, images, arguments[len(arguments)-1])
	case len(arguments) > 0 && arguments[0] == "images":
		return list(ctx, images)
	}
	return fmt.Errorf("this crictl knows only `inspecti` and `images`")
}

func inspect(ctx context.Context, images cri.ImageServiceClient, name string) error {
	found, err := images.ImageStatus(ctx, &cri.ImageStatusRequest{Image: &cri.ImageSpec{Image: name}})
	if err != nil {
		return fmt.Errorf("look for image %s: %w", name, err)
	}
	if found.Image == nil {
		return fmt.Errorf("no such image: %s", name)
	}
	status := map[string]any{
		"id":          found.Image.Id,
		"repoTags":    found.Image.RepoTags,
		"repoDigests": found.Image.RepoDigests,
	}
	return json.NewEncoder(os.Stdout).Encode(map[string]any{"status": status})
}

func list(ctx context.Context, images cri.ImageServiceClient) error {
	all, err := images.ListImages(ctx, &cri.ListImagesRequest{})
	if err != nil {
		return fmt.Errorf("list images: %w", err)
	}
	for _, image := range all.Images {
		fmt.Println(image.Id, image.Size, image.RepoTags)
	}
	return nil
}
