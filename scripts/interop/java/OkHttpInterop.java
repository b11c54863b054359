import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import okhttp3.HttpUrl;
import okhttp3.OkHttpClient;
import okhttp3.Request;
import okhttp3.Response;
import okhttp3.WebSocket;
import okhttp3.WebSocketListener;

/** OkHttp: OkHttpInterop URL NAME. ../README.md says what every client does. */
public class OkHttpInterop extends WebSocketListener {
    static final String ROOM = "interop";

    final OkHttpClient client = new OkHttpClient();
    final String url, name;
    boolean greeted;
    String epoch, position;

    OkHttpInterop(String url, String name) {
        this.url = url;
        this.name = name;
    }

    public static void main(String[] args) {
        System.setOut(new java.io.PrintStream(System.out, true, java.nio.charset.StandardCharsets.UTF_8));
        new OkHttpInterop(args[0], args[1]).connect();
    }

    void connect() {
        // HttpUrl knows http alone; newWebSocket takes either.
        HttpUrl.Builder address = HttpUrl.get(url.replaceFirst("^ws", "http")).newBuilder()
            .addQueryParameter("client_id", name).addQueryParameter("rooms", ROOM);
        if (position != null) {
            address.addQueryParameter("resume", epoch + ":" + position);
        }
        Request request = new Request.Builder()
            .url(address.build()).header("Sec-WebSocket-Protocol", "gohub.v1.json").build();
        client.newWebSocket(request, this);
    }

    @Override public void onOpen(WebSocket socket, Response response) {
        System.out.println("open " + response.header("Sec-WebSocket-Protocol"));
    }

    @Override public void onMessage(WebSocket socket, String text) {
        JsonObject received = JsonParser.parseString(text).getAsJsonObject();
        switch (received.get("message_id").getAsInt()) {
            case 3 -> {
                epoch = received.get("epoch").getAsString();
                position = received.get("offset").getAsString();
                String rooms = received.getAsJsonArray("rooms").get(0).getAsString();
                String id = received.get("client_id").getAsString();
                System.out.println("welcome " + id + " " + rooms + " " + received.get("recovered"));
                if (!greeted) {
                    greeted = true;
                    socket.send(message("greeting", "Grüße von " + name + ", 你好 🚀"));
                    int room = received.get("max_message").getAsInt() - message("largest", "").length();
                    socket.send(message("largest", "x".repeat(room)));
                }
            }
            case 4 -> System.out.println("ack " + received.get("ref").getAsString());
            case 22 -> {
                position = received.get("offset").getAsString();
                if (received.get("from").getAsString().equals(name)) {
                    return;
                }
                String said = received.get("data").getAsString();
                System.out.println("heard " + said);
                if (said.equals("goodbye")) {
                    socket.close(1000, null);
                }
            }
            default -> { }
        }
    }

    @Override public void onClosing(WebSocket socket, int code, String reason) {
        socket.close(code, null);
    }

    @Override public void onClosed(WebSocket socket, int code, String reason) {
        closed(code, reason);
    }

    @Override public void onFailure(WebSocket socket, Throwable failure, Response response) {
        closed(1006, failure.toString());
    }

    void closed(int code, String reason) {
        System.out.println("closed " + code + " " + reason);
        if (code == 4500) {
            client.dispatcher().executorService().shutdown();
            client.connectionPool().evictAll();
            return;
        }
        if (code == 1000) {
            position = null;
        }
        try {
            Thread.sleep(200);
        } catch (InterruptedException interrupted) {
            return;
        }
        connect();
    }

    String message(String ref, String data) {
        JsonObject message = new JsonObject();
        message.addProperty("message_id", 22);
        message.addProperty("room", ROOM);
        message.addProperty("ref", ref);
        message.addProperty("data", data);
        return message.toString();
    }
}
