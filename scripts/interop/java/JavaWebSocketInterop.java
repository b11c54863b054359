import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.net.URI;
import java.util.List;
import org.java_websocket.client.WebSocketClient;
import org.java_websocket.drafts.Draft_6455;
import org.java_websocket.extensions.permessage_deflate.PerMessageDeflateExtension;
import org.java_websocket.handshake.ServerHandshake;
import org.java_websocket.protocols.Protocol;

/** Java-WebSocket: JavaWebSocketInterop URL NAME. ../README.md says what every client does. */
public class JavaWebSocketInterop extends WebSocketClient {
    static final String ROOM = "interop";

    static String name, epoch, position;
    static boolean greeted;

    int code;

    JavaWebSocketInterop(URI uri) {
        super(uri, new Draft_6455(List.of(new PerMessageDeflateExtension()), List.of(new Protocol("gohub.v1.json"))));
    }

    public static void main(String[] args) throws InterruptedException {
        System.setOut(new java.io.PrintStream(System.out, true, java.nio.charset.StandardCharsets.UTF_8));
        name = args[1];
        while (true) {
            String resume = position == null ? "" : "&resume=" + epoch + ":" + position;
            JavaWebSocketInterop client =
                new JavaWebSocketInterop(URI.create(args[0] + "?client_id=" + name + "&rooms=" + ROOM + resume));
            client.run();
            if (client.code == 4500) {
                return;
            }
            if (client.code == 1000) {
                position = null;
            }
            Thread.sleep(200);
        }
    }

    @Override public void onOpen(ServerHandshake handshake) {
        System.out.println("open " + handshake.getFieldValue("Sec-WebSocket-Protocol"));
    }

    @Override public void onMessage(String text) {
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
                    send(message("greeting", "Grüße von " + name + ", 你好 🚀"));
                    int room = received.get("max_message").getAsInt() - message("largest", "").length();
                    send(message("largest", "x".repeat(room)));
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
                    // Not in this thread, which is the one that reads: the library would not wait for the hub's answer.
                    new Thread(this::close).start();
                }
            }
            default -> { }
        }
    }

    @Override public void onClose(int code, String reason, boolean remote) {
        this.code = code;
        System.out.println("closed " + code + " " + reason);
    }

    @Override public void onError(Exception failure) {
        System.err.println(failure);
    }

    static String message(String ref, String data) {
        JsonObject message = new JsonObject();
        message.addProperty("message_id", 22);
        message.addProperty("room", ROOM);
        message.addProperty("ref", ref);
        message.addProperty("data", data);
        return message.toString();
    }
}
